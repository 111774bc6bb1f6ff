import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import iconv from 'iconv-lite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { encodings, importLimits } from '../../../src/exchange/imports/format.ts'
import { unpack } from '../../../src/exchange/imports/unpack.ts'
import { type Importer, startImporter } from './support.ts'
import { zip } from './zip.ts'

let server: Importer
beforeAll(async () => {
  server = await startImporter()
})
afterAll(() => server?.close())

it('a file is the same text however it was encoded, packed and cut', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...encodings),
      fc.constantFrom('none' as const, 'gzip' as const, 'zip' as const),
      fc.integer({ min: 1, max: 50 }),
      fc.array(fc.constantFrom('a', ',', '"', '\n', 'é', 'ü', 'ł', 'Ж', 'ω', 'ب', '田', '김', ' ', '💡'), {
        maxLength: 60,
      }),
      async (encoding, compression, chunk, parts) => {
        const text = parts
          .filter((part) => iconv.decode(iconv.encode(part, encoding), encoding) === part)
          .join('')
        const plain = iconv.encode(text, encoding)
        const file =
          compression === 'gzip'
            ? gzipSync(plain)
            : compression === 'zip'
              ? zip([{ name: 'file.csv', content: plain }])
              : plain
        const read = async function* (offset: number) {
          for (let at = offset; at < file.length; at += chunk) yield file.subarray(at, at + chunk)
        }
        const unpacked = await unpack(read, file.length, compression, { encoding })
        const pieces: Buffer[] = []
        for await (const piece of unpacked.pieces) pieces.push(piece)
        expect(Buffer.concat(pieces).toString()).toBe(text)
      },
    ),
    { numRuns: 500 },
  )
})

describe('a file that is too large', () => {
  const limit = importLimits.fileBytes
  beforeAll(() => {
    importLimits.fileBytes = 10_000
  })
  afterAll(() => {
    importLimits.fileBytes = limit
  })

  it('is refused while it is uploaded', async () => {
    const { id } = (await server.call('POST', '/imports', { kind: 'people' })).body
    expect((await server.put(id, 'x'.repeat(6_000), 'offset=0')).status).toBe(200)
    const answer = await server.put(id, 'x'.repeat(6_000), 'offset=6000&last=true')
    expect(answer).toMatchObject({ status: 413, body: { code: 'too_large', field: 'file' } })
  })

  it('is refused while it is unpacked', async () => {
    const bomb = 'id\n'.repeat(10_000)
    for (const packed of [gzipSync(bomb), zip([{ name: 'x', content: Buffer.from(bomb) }])])
      expect(await server.upload(packed)).toMatchObject({
        state: 'failed',
        message: expect.stringMatching(/^Unpacked, the file is larger/),
      })
  })
})

describe('a file that was taken for something else', () => {
  it('can be looked at again', async () => {
    const ready = await server.upload(Buffer.from('a;b|c\n1;2|3\n'))
    expect(ready.columns).toHaveLength(2)
    const path = `/imports/${ready.id}`
    const semicolons = await server.call('PATCH', path, { format: { delimiter: '|', header: false } })
    expect(semicolons.body).toMatchObject({
      state: 'ready',
      preview: [
        ['a;b', 'c'],
        ['1;2', '3'],
      ],
    })
    expect((await server.call('PATCH', path, { format: { delimiter: 'x' } })).status).toBe(422)
    // Another encoding has to be unpacked.
    const other = await server.call('PATCH', path, { format: { encoding: 'windows-1252', header: true } })
    expect(other.body).toMatchObject({ state: 'fetching' })
    await server.work(other.body.task.id)
    const read = (await server.call('GET', path)).body
    expect(read).toMatchObject({ state: 'ready', format: { encoding: 'windows-1252', delimiter: '|' } })
    expect((await server.start(ready.id, { mapping: { c: { to: 'id' } } })).counts).toMatchObject({
      created: 1,
    })
    expect((await server.call('PATCH', path, { format: {} })).status).toBe(409)
  })
})

it('rows as long as they may be are written a few at a time', async () => {
  const row = (n: number) => `long${n},${'x'.repeat(600_000)}\n`
  const done = await server.run(
    `id,note\n${Array.from({ length: 20 }, (_, n) => row(n)).join('')}`,
    {},
    { mapping: { id: { to: 'id' }, note: { to: 'ignore' } } },
  )
  expect(await server.rejects(done.id)).toEqual([])
  expect(done.counts).toMatchObject({ rows: 20, created: 20 })
  const [{ steps }] = (await server.sql(
    'select t.steps from imports i join tasks t on t.id = i.task_id where i.id = $1',
    done.id,
  )) as [{ steps: number }]
  expect(steps).toBeGreaterThan(2)
})

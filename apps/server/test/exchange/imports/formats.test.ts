import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stringify } from './csv.ts'
import { type Importer, startImporter } from './support.ts'
import { zip } from './zip.ts'

let server: Importer
let now = new Date('2026-06-05T12:00:00Z')

beforeAll(async () => {
  server = await startImporter(() => now)
})
afterAll(() => server?.close())

const find = async (id: string) =>
  (
    await server.sql('select * from people where project_id = $1 and external_id = $2', server.projectId, id)
  )[0]

describe('a file', () => {
  const expectImported = async (content: Buffer, prefix: string, body = {}) => {
    now = new Date(now.getTime() + 60_000)
    const done = await server.run(content, body)
    expect(done).toMatchObject({ state: 'done', counts: { created: 2, rejected: 0 } })
    expect((await find(`${prefix}1`))!.properties).toEqual({ name: 'Zoë, "Z"', city: 'Köln' })
    return done
  }
  const table = (prefix: string, delimiter = ',') =>
    stringify(
      [
        ['id', 'name', 'city'],
        [`${prefix}1`, 'Zoë, "Z"', 'Köln'],
        [`${prefix}2`, 'x', 'y'],
      ],
      { delimiter, newline: '\r\n' },
    )

  it('may be gzipped, with any delimiter', async () => {
    const done = await expectImported(gzipSync(table('gz', ';')), 'gz')
    expect(done.format).toMatchObject({ compression: 'gzip', delimiter: ';', encoding: 'utf-8' })
    expect((await expectImported(table('tab', '\t'), 'tab')).format).toMatchObject({ delimiter: '\t' })
    expect((await expectImported(table('pipe', '|'), 'pipe')).format).toMatchObject({ delimiter: '|' })
  })

  it('may be in a .zip, packed or not, behind what macOS adds', async () => {
    const other = { name: '__MACOSX/._people.csv', content: Buffer.from('junk') }
    const folder = { name: 'data/', content: Buffer.alloc(0) }
    const packed = zip([folder, other, { name: 'data/people.csv', content: table('zip') }])
    expect((await expectImported(packed, 'zip')).format.compression).toBe('zip')
    const stored = zip([{ name: 'people.csv', content: table('stored'), stored: true }])
    await expectImported(stored, 'stored')
    expect((await server.upload(zip([folder]))).message).toMatch(/holds no file/)
  })

  it('of a .zip with several is the one that is chosen, and none before', async () => {
    const content = (prefix: string) => table(prefix)
    const packed = zip([
      { name: 'subscribed.csv', content: content('sub') },
      { name: 'unsubscribed.csv', content: content('unsub') },
      { name: 'read me.pdf', content: Buffer.from('%PDF') },
    ])
    const made = await server.upload(packed)
    expect(made).toMatchObject({
      state: 'failed',
      files: ['subscribed.csv', 'unsubscribed.csv'],
      message: expect.stringMatching(/holds 2 files: subscribed.csv, unsubscribed.csv. Say which/),
    })
    const path = `/imports/${made.id}`
    expect((await server.call('POST', `${path}/start`, {})).status).toBe(409)
    for (const [file, state] of [
      ['nowhere.csv', { state: 'failed', message: 'The .zip file holds no file "nowhere.csv"' }],
      ['unsubscribed.csv', { state: 'ready', files: [], given: { file: 'unsubscribed.csv' } }],
    ] as const) {
      const again = await server.call('PATCH', path, { format: { file } })
      await server.work(again.body.task.id)
      expect((await server.call('GET', path)).body).toMatchObject(state)
    }
    expect((await server.start(made.id)).counts).toMatchObject({ created: 2 })
    expect(await find('unsub1')).toBeDefined()
    expect(await find('sub1')).toBeUndefined()
    // Said when it is made, it is read at once; and beside one table other files are none.
    await expectImported(packed, 'sub', { format: { file: 'subscribed.csv' } })
    const alone = zip([
      { name: 'licence', content: Buffer.from('x') },
      { name: 'people.TSV', content: table('alone') },
    ])
    await expectImported(alone, 'alone')
  })

  it('may be UTF-8 with a mark, UTF-16 of both kinds, or Windows-1252', async () => {
    const mark = Buffer.from('\ufeff')
    await expectImported(Buffer.concat([mark, table('bom')]), 'bom')
    const le = Buffer.from(`\ufeff${table('le')}`, 'utf16le')
    expect((await expectImported(le, 'le')).format.encoding).toBe('utf-16le')
    expect(
      (await expectImported(Buffer.from(`${table('be')}`, 'utf16le').swap16(), 'be')).format.encoding,
    ).toBe('utf-16be')
    const ansi = Buffer.from(table('ansi').toString(), 'latin1')
    expect((await expectImported(ansi, 'ansi')).format.encoding).toBe('windows-1252')
    const packed = gzipSync(Buffer.from(`\ufeff${table('le-gz')}`, 'utf16le'))
    expect((await expectImported(packed, 'le-gz')).format.encoding).toBe('utf-16le')
  })

  it('may have no names of columns', async () => {
    now = new Date(now.getTime() + 60_000)
    const ready = await server.upload('h1,h1@x.example,5\nh2,h2@x.example,6\n')
    expect(ready.format.header).toBe(false)
    expect(ready.columns.map(({ name, guess }: { name: string; guess: object }) => [name, guess])).toEqual([
      ['column 1', { to: 'property:column 1', type: 'text' }],
      ['column 2', { to: 'email', type: 'text' }],
      ['column 3', { to: 'property:column 3', type: 'number' }],
    ])
    const done = await server.start(ready.id, {
      mapping: { 'column 1': { to: 'id' }, 'column 2': { to: 'email' } },
    })
    expect(done.counts).toMatchObject({ rows: 2, created: 2 })
  })

  it('may be NDJSON', async () => {
    now = new Date(now.getTime() + 60_000)
    const lines = [
      { id: 'n1', email: 'n1@x.example', tags: ['a'], plan: 'pro', seats: 5, address: { city: 'Rome' } },
      { id: 17, plan: null, extra: [1] },
    ]
    const done = await server.run(
      `${lines.map((line) => JSON.stringify(line)).join('\n')}\nnonsense\n{"id":{}}\n`,
    )
    expect(done.counts).toMatchObject({ created: 2, rejected: 2 })
    expect(done.format.type).toBe('ndjson')
    expect(await find('n1')).toMatchObject({
      tags: ['a'],
      properties: { plan: 'pro', seats: 5, address: { city: 'Rome' } },
    })
    expect((await find('17'))!.properties).toEqual({ extra: [1] })
    expect(await server.rejects(done.id)).toEqual([
      [3, null, expect.stringMatching(/not JSON/)],
      [4, 'id', 'is not an id: a text or a number'],
    ])
  })

  it.each([
    ['empty', '', /is empty/],
    ['blank', '\n\n', /has no row/],
    ['a JSON array', '[{"id":1}]', /one JSON object a line/],
    ['HTML', '<!DOCTYPE html><p>', /HTML/],
    ['too wide', Array.from({ length: 1_001 }, (_, n) => `c${n}`).join(','), /1001 columns/],
  ])('that is %s is refused', async (_, content, reason) => {
    const { body } = await server.call('POST', '/imports', { kind: 'people' })
    const answer = await server.put(body.id, content)
    expect(answer).toMatchObject({
      status: 422,
      body: { field: 'file', detail: expect.stringMatching(reason) },
    })
    const failed = await server.call('GET', `/imports/${body.id}`)
    expect(failed.body).toMatchObject({ state: 'failed', message: expect.stringMatching(reason) })
  })

  it('that is a workbook says so', async () => {
    const reason = /is a workbook of .*save its sheet as CSV/
    for (const name of ['[Content_Types].xml', 'META-INF/manifest.xml']) {
      const files = [name, 'sheet1.xml', 'notes.txt'].map((one) => ({ name: one, content: Buffer.from('x') }))
      expect((await server.upload(zip(files))).message).toMatch(reason)
    }
    const { body } = await server.call('POST', '/imports', { kind: 'people' })
    const old = await server.put(body.id, Buffer.from('d0cf11e0a1b11ae1000000', 'hex'))
    expect(old).toMatchObject({ status: 422, body: { detail: expect.stringMatching(reason) } })
  })

  it('that is damaged fails with a reason', async () => {
    const damaged = await server.upload(gzipSync('id\n1\n'.repeat(50_000)).subarray(0, 200))
    expect(damaged).toMatchObject({ state: 'failed', message: expect.stringMatching(/\.gz file is damaged/) })
    const zip = await server.upload(Buffer.from('PK\x03\x04 and nothing of an archive'))
    expect(zip).toMatchObject({ state: 'failed', message: expect.stringMatching(/\.zip file can't be read/) })
  })

  it('whose content is not what the archive has the checksum of fails', async () => {
    const archive = zip([{ name: 'people.csv', content: Buffer.from('id\nabc\n'), stored: true }])
    archive[archive.indexOf('abc')] = 0x78
    expect(await server.upload(archive)).toMatchObject({
      state: 'failed',
      message: 'The .zip file is damaged: the checksum of people.csv is wrong; pack it again',
    })
  })
})

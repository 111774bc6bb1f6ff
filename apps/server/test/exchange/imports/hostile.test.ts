import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import type { Job, JobContext } from '@fairway/queue'
import { parse } from 'csv-parse/sync'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../../../../../testing/until.ts'
import { detectFormat } from '../../../src/exchange/imports/detect.ts'
import { type Format, importLimits } from '../../../src/exchange/imports/format.ts'
import { guardFormula, unguardFormula } from '../../../src/exchange/imports/formula-guard.ts'
import { type Row, turnBytes } from '../../../src/exchange/imports/row.ts'
import { readRows } from '../../../src/exchange/imports/rows.ts'
import { loadTask } from '../../../src/platform/tasks/task.ts'
import { workTask } from '../../../src/platform/tasks/work.ts'
import { taskKinds } from '../../../src/task-kinds.ts'
import { type Importer, startImporter } from './support.ts'
import { type Entry, zip } from './zip.ts'

const mebi = 1024 ** 2
const csv: Format = {
  type: 'csv',
  delimiter: ',',
  quote: '"',
  quoteEscape: 'doubled',
  header: false,
  encoding: 'utf-8',
  compression: 'none',
  start: 0,
  linesBefore: 0,
}

const filled = (unit: string, length: number) =>
  Buffer.from(unit.repeat(Math.ceil(length / unit.length)).slice(0, length))

/** What held the loop, or might: each a text of any length. */
const texts: Record<string, { format?: Partial<Format>; of: (length: number) => Buffer }> = {
  'blanks in quotes': { of: (length) => filled('"  \n', length) },
  'quotes alone': { of: (length) => filled('"\n', length) },
  'empty lines': { of: (length) => filled('\n', length) },
  'carriage returns': { of: (length) => filled('\r', length) },
  'one row of empty cells': { of: (length) => filled(',', length) },
  'short rows': { of: (length) => filled('a\n', length) },
  'odd quotes': { of: (length) => filled('a"b"",""c"\n"d""\n', length) },
  'a quote that nothing closes': { of: (length) => Buffer.from(`"${'x'.repeat(length)}`) },
  'many quotes that nothing closes': { of: (length) => filled('"a""\n', length) },
  'one row of lines that each leave a quote open': { of: (length) => filled('a",x"y,"\n', length) },
  'quotes escaped by backslashes, never closed': {
    format: { quoteEscape: 'backslash' },
    of: (length) => filled('"\\"",\\"\n', length),
  },
  'quotes that are closed far behind': {
    of: (length) => filled(`"${'a""\n'.repeat(20_000)}"b\n`, length),
  },
  'NUL bytes': { of: (length) => filled('\0\n', length) },
  'lines that are no JSON': { format: { type: 'ndjson' }, of: (length) => filled('x\n', length) },
  'brackets in brackets': { format: { type: 'ndjson' }, of: (length) => filled('{"a":[', length) },
  'blank lines of JSON': { format: { type: 'ndjson' }, of: (length) => filled('  \n', length) },
}

/** Reads all of it, as an import does. */
async function read(file: Buffer, format: Partial<Format> = {}) {
  let pulled = 0
  const bytes = async function* (offset: number) {
    for (let at = offset; at < file.length; at += mebi) {
      const piece = file.subarray(at, at + mebi)
      pulled += piece.length
      yield piece
    }
  }
  const reader = readRows(bytes, { ...csv, ...format }, ['a'], { offset: 0, line: 1 })
  const rows: Row[] = []
  const moves: number[] = []
  const began = process.cpuUsage()
  for (;;) {
    const before = reader.place.offset
    const found = await reader.read(200)
    if (!found) break
    moves.push(reader.place.offset - before)
    rows.push(...found)
    await turn()
  }
  const { user, system } = process.cpuUsage(began)
  return { rows, moves, pulled, place: reader.place, cpu: user + system }
}

describe('reading', () => {
  for (const [name, { of, format }] of Object.entries(texts))
    it(`${name}: in small turns, each byte fetched once, to the last one`, async () => {
      const file = of(1.5 * mebi)
      const { moves, pulled, place } = await read(file, format)
      expect(place.offset).toBe(file.length)
      expect(pulled).toBe(file.length)
      expect(Math.max(...moves)).toBeLessThanOrEqual(Math.max(turnBytes + importLimits.rowBytes, file.length))
      // What is no long row is no long turn.
      if (!/one row|a quote that|brackets/.test(name))
        expect(Math.max(...moves)).toBeLessThanOrEqual(turnBytes + 16)
    })

  it('takes four times as long for four times as much', async () => {
    for (const { of, format } of Object.values(texts)) await read(of(mebi / 4), format)
    for (const [name, { of, format }] of Object.entries(texts)) {
      const small = await read(of(mebi / 4), format)
      const large = await read(of(mebi), format)
      // Quadratic would be 16; below 20 ms the clock and the collector say more than the text.
      expect([name, large.cpu / Math.max(20_000, small.cpu)]).toEqual([
        name,
        expect.toSatisfy((ratio) => ratio < 10),
      ])
    }
  })

  it('gives the rows that csv-parse gives, where quotes are in order', async () => {
    const rows = Array.from({ length: 2_000 }, (_, n) => [
      `id${n}`,
      n % 7 ? `plain ${n}` : `"a ""${n}""\r\nb,c"`,
      '',
    ])
    const text = rows.map((row) => row.join(',')).join('\r\n')
    expect((await read(Buffer.from(text))).rows.map(({ cells }) => cells)).toEqual(parse(text))
  })

  it('goes on behind rows that run on beyond the limit, and never looks at them again', async () => {
    const { rows, place } = await read(filled('"a\nb",', 4 * mebi))
    expect(place.offset).toBe(4 * mebi)
    expect(rows.slice(0, 3).map(({ broken }) => broken)).toEqual(
      Array(3).fill(expect.stringMatching(/longer than|nothing closes/)),
    )
  })

  it.each([
    ['empty lines', '\n', {}],
    ['blank cells', ' ,\t\n', {}],
    ['empty lines between objects', '\n', { type: 'ndjson' as const }],
  ])('stops at more %s in a row than any program writes', async (_name, line, format) => {
    const beginning = 'type' in format ? '{"a":1}\n' : 'a,b\n'
    const file = (lines: number) => Buffer.from(beginning + line.repeat(lines))
    expect((await read(file(importLimits.blankLines), format)).rows).toHaveLength(1)
    await expect(read(file(importLimits.blankLines + 1), format)).rejects.toThrow(
      /5000000 empty lines one after another/,
    )
  })

  it('keeps a row of too many cells as one that is broken', async () => {
    const { rows } = await read(Buffer.from(`a,b\n${',x'.repeat(importLimits.cells)}\nc,d\n`))
    expect(rows.map(({ broken }) => broken)).toEqual([
      undefined,
      `has ${importLimits.cells + 1} cells; ${importLimits.cells} is the limit`,
      undefined,
    ])
  })
})

it('columns that are called alike are told apart, also from those that look as if they were', () => {
  const { columns } = detectFormat(
    Buffer.from('a,a,a (2),a\n1,2,3,4\n'),
    true,
    { encoding: 'utf-8', compression: 'none' },
    { header: true },
  )
  expect(columns).toEqual(['a', 'a (2)', 'a (2) (2)', 'a (3)'])
})

it('looking at the beginning takes four times as long for four times as much', () => {
  const looked = (file: Buffer) => {
    const began = process.cpuUsage()
    try {
      detectFormat(file, true, { encoding: 'utf-8', compression: 'none' }, {})
    } catch {
      // Most of them are no table.
    }
    const { user, system } = process.cpuUsage(began)
    return user + system
  }
  for (const [name, { of }] of Object.entries(texts)) {
    looked(of(250_000))
    const small = looked(of(62_500))
    const large = looked(of(250_000))
    expect([name, large / Math.max(20_000, small)]).toEqual([name, expect.toSatisfy((ratio) => ratio < 10)])
  }
})

describe('a server', () => {
  let server: Importer
  beforeAll(async () => {
    server = await startImporter()
  })
  afterAll(() => server?.close())

  it('has its turns while rows are skipped, and accounts for all of them', async () => {
    const body = filled('"  \n', 4 * mebi).toString()
    const ready = await server.upload(`id,note\nfirst,1\n${body}`)
    const { body: started } = await server.call('POST', `/imports/${ready.id}/start`, {
      mapping: { id: { to: 'id' }, note: { to: 'ignore' } },
    })
    let working = true
    let ticks = 0
    const beat = async () => {
      for (; working; ticks++) await turn()
    }
    const beating = beat()
    await server.work(started.task.id)
    working = false
    await beating
    expect(ticks).toBeGreaterThan(body.length / turnBytes)
    const done = (await server.call('GET', `/imports/${ready.id}`)).body
    expect(done.state).toBe('done')
    expect(done.counts.rows).toBe(done.counts.created + done.counts.rejected)
    expect(done.counts.created).toBe(1)
    // A step is a megabyte, whatever is in it: in between the import can be paused.
    const [{ steps }] = (await server.sql('select steps from tasks where id = $1', started.task.id)) as [
      { steps: number },
    ]
    expect(steps).toBeGreaterThanOrEqual(4)
  })

  it('refuses an archive of hidden files for their number, and of long names for their length', async () => {
    const hidden = (count: number, name: (n: number) => string): Entry[] =>
      Array.from({ length: count }, (_, n) => ({ name: name(n), content: Buffer.alloc(0), stored: true }))
    expect(await server.upload(zip(hidden(60_000, (n) => `.${n}`)))).toMatchObject({
      state: 'failed',
      message: 'The .zip file has 60000 entries; 1000 is the limit: pack the file alone',
    })
    expect(await server.upload(zip(hidden(900, (n) => `.${n}${'x'.repeat(5_000)}`)))).toMatchObject({
      state: 'failed',
      message: expect.stringMatching(
        /^The names and comments of the first \d+ entries .* longer than 1048576 bytes/,
      ),
    })
    const few = [...hidden(900, (n) => `__MACOSX/${n}`), { name: 'a.csv', content: Buffer.from('id\nx\n') }]
    expect(await server.upload(zip(few))).toMatchObject({ state: 'ready' })
  })

  it('refuses what is packed twice', async () => {
    const inner = gzipSync('id\nx\n')
    for (const [packed, extension] of [
      [gzipSync(inner), '.gz'],
      [zip([{ name: 'a.csv.gz', content: inner }]), '.zip'],
    ] as const)
      expect(await server.upload(packed)).toMatchObject({
        state: 'failed',
        message: `The ${extension} file holds another packed file; unpack that first`,
      })
  })

  it('stops fetching when it is cancelled, and when it stops itself, although the other side is silent', async () => {
    let asked = 0
    const silent = createServer((_request, response) => {
      asked++
      response.writeHead(200).write('id\nx\n')
    })
    await new Promise<void>((done) => silent.listen(0, '127.0.0.1', done))
    const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/file.csv`
    const { body: cancelled } = await server.call('POST', '/imports', { kind: 'people', url })
    const working = server.work(cancelled.task.id)
    await until(() => asked === 1)
    expect((await server.call('POST', `/imports/${cancelled.id}/cancel`)).status).toBe(200)
    await working
    expect((await server.call('GET', `/imports/${cancelled.id}`)).body).toMatchObject({ state: 'cancelled' })

    const { body: stopped } = await server.call('POST', '/imports', { kind: 'people', url })
    const stop = new AbortController()
    const job = {
      tenant: String(server.projectId),
      data: { task: stopped.task.id },
      attempt: 1,
    } as unknown as Job
    const slice = workTask(server.app, taskKinds)(job, { signal: stop.signal } as JobContext)
    await until(() => asked === 2)
    stop.abort(new Error('the server stops'))
    await expect(slice).rejects.toThrow('the server stops')
    // Another process begins it again.
    expect(await loadTask(server.app.pool, server.projectId, stopped.task.id)).toMatchObject({
      state: 'waiting',
    })
    silent.closeAllConnections()
    silent.close()
  })

  it('gives rejected rows back without formulas that run, and takes them again as they were', async () => {
    const file = "id,email,=note\n=1+1,nobody,+49 30\n-5,nobody,'=x\n"
    const mapping = { id: { to: 'id' }, email: { to: 'email' }, '=note': { to: 'property:note' } }
    const first = await server.run(file, {}, { mapping })
    const { text } = await server.call('GET', `/imports/${first.id}/rejects.csv`)
    expect(text).toContain("id,email,'=note,reject_line")
    expect(text).toContain("'=1+1,nobody,'+49 30,2,email,")
    expect(text).toContain("-5,nobody,''=x,3,email,")
    // Rejected again, it is the same file, and its reasons are not doubled.
    const again = await server.run(text, {}, { mapping })
    expect((await server.call('GET', `/imports/${again.id}/rejects.csv`)).text).toBe(text)
    const corrected = await server.run(text.replaceAll('nobody', ''), {}, { mapping })
    expect(corrected.counts).toMatchObject({ created: 2, rejected: 0 })
    const people = await server.sql(
      `select external_id, properties from people where project_id = $1 order by external_id collate "C"`,
      server.projectId,
    )
    expect(people).toEqual(
      expect.arrayContaining([
        { external_id: '-5', properties: { note: "'=x" } },
        { external_id: '=1+1', properties: { note: '+49 30' } },
      ]),
    )
  })
})

it('a guard can be taken away again, from every text', () => {
  for (const text of [
    '',
    "'",
    '=',
    "'=",
    "''=x",
    '-1',
    "'-1",
    "''-1",
    '+1 a',
    '\t',
    "it's",
    "''",
    '＝x',
    '@',
  ])
    expect(unguardFormula(guardFormula(text))).toBe(text)
})

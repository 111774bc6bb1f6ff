import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseRange } from '../../../src/exchange/exports/download.ts'
import { maintainExports } from '../../../src/exchange/exports/maintain.ts'
import { type Exporter, startExporter } from './support.ts'

const dayMs = 86_400_000
let now = new Date('2026-06-01T12:00:00.000Z')
let exporter: Exporter

beforeAll(async () => {
  exporter = await startExporter(() => now)
  // A few chunks of a file.
  await exporter.sql(
    `insert into people (project_id, external_id, properties)
     select $1, 'person ' || n, jsonb_build_object('text', repeat(md5(n::text), 30)) from generate_series(1, 4000) n`,
    exporter.projectId,
  )
})
afterAll(() => exporter?.close())

const people = { kind: 'people', format: 'ndjson' }
const count = async (table: string) =>
  (await exporter.sql<{ count: number }>(`select count(*) from ${table}`))[0]!.count

async function download(id: number, headers: Record<string, string>) {
  const response = await fetch(`${exporter.url}/api/v1/projects/${exporter.projectId}/exports/${id}/file`, {
    headers: { authorization: `Bearer ${exporter.secretKey}`, 'accept-encoding': 'identity', ...headers },
  })
  return {
    status: response.status,
    headers: response.headers,
    body: Buffer.from(await response.arrayBuffer()),
  }
}

describe('an export', () => {
  it('tells how far it is, and how large the file is when it is done', async () => {
    const made = await exporter.call('POST', '/exports', people)
    expect(made.status).toBe(202)
    expect(made.body).toMatchObject({
      kind: 'people',
      format: 'ndjson',
      state: 'waiting',
      rows: 0,
      bytes: 0,
      task: { kind: 'export', title: 'Export people as NDJSON', total: null },
      createdAt: now.toISOString(),
    })
    const early = await exporter.call('GET', `/exports/${made.body.id}/file`)
    expect(early.status).toBe(409)
    expect(early.text).toContain('not finished')
    await exporter.work(made.body.task.id)
    const { body: done } = await exporter.call('GET', `/exports/${made.body.id}`)
    expect(done).toMatchObject({ state: 'done', rows: 4_000, task: { done: 4_000, total: 4_000 } })
    const file = await exporter.call('GET', `/exports/${done.id}/file`)
    expect(file.text.length).toBe(done.bytes)
    expect(file.text.trimEnd().split('\n')).toHaveLength(4_000)
    const { body: listed } = await exporter.call('GET', '/exports?limit=1')
    expect(listed.items).toEqual([done])
  })

  it('can be deleted, also while it is under way', async () => {
    const [files, chunks] = [await count('files'), await count('file_chunks')]
    const { id } = await exporter.make(people)
    expect((await exporter.call('DELETE', `/exports/${id}`)).status).toBe(204)
    expect((await exporter.call('DELETE', `/exports/${id}`)).status).toBe(404)
    expect((await exporter.call('GET', `/exports/${id}/file`)).status).toBe(404)
    const { body: running } = await exporter.call('POST', '/exports', people)
    expect((await exporter.call('DELETE', `/exports/${running.id}`)).status).toBe(204)
    expect((await exporter.call('GET', `/tasks/${running.task.id}`)).body.state).toBe('cancelled')
    expect([await count('files'), await count('file_chunks')]).toEqual([files, chunks])
  })

  it('has no file when it was cancelled', async () => {
    const { body } = await exporter.call('POST', '/exports', people)
    await exporter.call('POST', `/tasks/${body.task.id}/cancel`)
    expect((await exporter.call('GET', `/exports/${body.id}`)).body).toMatchObject({
      state: 'cancelled',
      bytes: 0,
    })
    const answer = await exporter.call('GET', `/exports/${body.id}/file`)
    expect(answer.status).toBe(409)
    expect(answer.text).toContain('was cancelled')
  })

  it('is kept for seven days after its end', async () => {
    const { body } = await exporter.call('POST', '/exports', people)
    now = new Date(now.getTime() + 3 * dayMs)
    await exporter.work(body.task.id)
    const at = now
    const state = async () => (await exporter.call('GET', `/exports/${body.id}`)).status
    now = new Date(at.getTime() + 7 * dayMs - 1)
    await maintainExports(exporter.app)
    expect(await state()).toBe(200)
    now = new Date(at.getTime() + 7 * dayMs)
    expect(await state()).toBe(404)
    await maintainExports(exporter.app)
    expect(await count('exports')).toBe(0)
    expect(await count('file_chunks')).toBe(0)
  })

  it('fails with a reason when its file is gone', async () => {
    const { body } = await exporter.call('POST', '/exports', people)
    await exporter.sql('delete from files')
    await exporter.work(body.task.id)
    expect((await exporter.call('GET', `/tasks/${body.task.id}`)).body).toMatchObject({
      state: 'failed',
      message: 'Its file was deleted while it was being written',
    })
  })

  it('is refused when too many are kept', async () => {
    let answer = await exporter.call('POST', '/exports', people)
    for (let n = 0; n < 50; n++) answer = await exporter.call('POST', '/exports', people)
    expect(answer.status).toBe(409)
    expect(answer.text).toContain('keeps 50 exports')
    await exporter.sql('delete from exports')
  })
})

describe('a request', () => {
  it.each([
    [{ kind: 'events', format: 'csv', segment: 1 }, 422, 'segment'],
    [{ kind: 'people', format: 'csv', event: 'Paid' }, 422, 'event'],
    [{ kind: 'messages', format: 'csv', event: 'Paid' }, 422, 'event'],
    [{ kind: 'segment', format: 'csv' }, 422, 'segment'],
    [{ kind: 'events', format: 'csv', from: 'yesterday' }, 422, 'from'],
    [{ kind: 'events', format: 'csv', to: '+275760-09-13T00:00:00Z' }, 422, 'to'],
    [{ kind: 'events', format: 'csv', from: '2027-01-01T00:00:00Z' }, 422, 'from'],
    [{ kind: 'events', format: 'csv', event: 'a\0' }, 422, 'event'],
    [{ kind: 'people', format: 'ndjson', bom: true }, 422, 'bom'],
    [{ kind: 'people', format: 'ndjson', formulas: 'kept' }, 422, 'formulas'],
    [{ kind: 'people', format: 'xlsx' }, 422, 'format'],
    [{ kind: 'segment', format: 'csv', segment: 999 }, 422, 'segment'],
    [{ kind: 'events', format: 'csv', conditions: { tag: 'vip' } }, 422, 'conditions'],
    [{ kind: 'people', format: 'csv', conditions: { tga: 'vip' } }, 422, 'conditions'],
    [{ kind: 'people', format: 'csv', conditions: { segment: 999 } }, 422, 'conditions'],
  ])('%j is answered %i', async (body, status, field) => {
    const answer = await exporter.call('POST', '/exports', body)
    expect({ status: answer.status, field: answer.body.field }).toEqual({ status, field })
  })
})

describe('a download', () => {
  it('is compressed where the client takes gzip', async () => {
    const { id, bytes } = await exporter.make(people)
    const plain = await download(id, {})
    expect(plain.body.length).toBe(bytes)
    expect(plain.headers.get('content-length')).toBe(String(bytes))
    expect(plain.headers.get('content-disposition')).toMatch(
      /^attachment; filename="people-[\d-]+T\d{4}\.ndjson"$/,
    )
    // fetch unpacks by itself what it asked for.
    const { body, headers } = await download(id, { 'accept-encoding': 'br, gzip;q=0.5' })
    expect(headers.get('content-encoding')).toBe('gzip')
    expect(body.equals(plain.body)).toBe(true)
    expect((await download(id, { 'accept-encoding': 'gzip;q=0' })).headers.get('content-encoding')).toBeNull()
  })

  it('goes on where it broke', async () => {
    const { id, bytes } = await exporter.make({ kind: 'people', format: 'csv' })
    const whole = await download(id, {})
    const etag = whole.headers.get('etag')!
    for (const from of [0, 1, 1_048_575, 1_048_576, 3_000_001, bytes - 1]) {
      const rest = await download(id, { range: `bytes=${from}-`, 'if-range': etag })
      expect(rest.status).toBe(206)
      expect(rest.headers.get('content-range')).toBe(`bytes ${from}-${bytes - 1}/${bytes}`)
      expect(rest.body.equals(whole.body.subarray(from))).toBe(true)
    }
    const middle = await download(id, { range: 'bytes=1000000-2000000' })
    expect(middle.body.equals(whole.body.subarray(1_000_000, 2_000_001))).toBe(true)
    const end = await download(id, { range: 'bytes=-10' })
    expect(end.body.equals(whole.body.subarray(-10))).toBe(true)
    // The file of another export must not be glued to the beginning of this one.
    expect((await download(id, { range: 'bytes=5-', 'if-range': '"other"' })).status).toBe(200)
    const beyond = await download(id, { range: `bytes=${bytes}-` })
    expect(beyond.status).toBe(416)
    expect(beyond.headers.get('content-range')).toBe(`bytes */${bytes}`)
  })
})

describe('parseRange', () => {
  it.each([
    ['bytes=0-', { from: 0, to: 10 }],
    ['bytes=3-5', { from: 3, to: 6 }],
    ['bytes=3-99', { from: 3, to: 10 }],
    ['bytes=-4', { from: 6, to: 10 }],
    ['bytes=-40', { from: 0, to: 10 }],
    ['bytes=10-', 'unsatisfiable'],
    ['bytes=-0', 'unsatisfiable'],
    ['bytes=5-3', undefined],
    ['bytes=-', undefined],
    ['bytes=0-1,3-4', undefined],
    ['items=0-1', undefined],
  ])('%s', (header, expected) => {
    expect(parseRange(header, 10)).toEqual(expected)
  })
})

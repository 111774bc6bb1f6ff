import { parse } from 'csv-parse/sync'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Exporter, startExporter } from './support.ts'

const now = new Date('2026-06-01T12:00:00.000Z')
let exporter: Exporter

beforeAll(async () => {
  exporter = await startExporter(() => now)
  await exporter.sql(
    `insert into people (project_id, external_id, anonymous_id, email, phone, timezone, language, properties, written,
       tags, channels, topics, subscribed, suppressed, created_at, updated_at)
     values ($1, 'ann "A", 1', 'a-1', 'Ann@example.com', '+4930123', 'Europe/Berlin', 'de',
       '{"plan":"pro","visits":-5,"ratio":0.5,"vip":true,"nothing":null,"note":"=1+1","empty":"",
         "address":{"city":"Köln, \\"am Rhein\\"\\nDom"},"email":"other@example.com","id":7,"-x":"@y"}',
       '{"plan":1764000000000,"$email":1764000000001,"$tag:old":3}', '{b,a}',
       '[{"type":"push","address":"token"}]', '{"news":true,"offers":false}', false, true,
       '2026-01-02T03:04:05.678901Z', '2026-02-02T00:00:00Z'),
     ($1, null, 'a-2', null, null, null, null, '{}', '{}', '{}', '[]', '{}', true, false, '2026-01-03', '2026-01-03'),
     ($1, 'bob', null, 'BOB@example.com', null, null, null, '{"plan":"free"}', '{}', '{}', '[]', '{}', true, false,
       '2026-01-04', '2026-01-04')`,
    exporter.projectId,
  )
  const [{ ann, bob }] = (await exporter.sql(
    `select min(id) as ann, max(id) as bob from people where project_id = $1`,
    exporter.projectId,
  )) as [{ ann: number; bob: number }]
  await exporter.sql(
    `insert into person_aliases (project_id, alias, kind, person_id, created_at)
     values ($1, 'a-1', 'anonymous', $2, '2026-01-01'), ($1, 'old', 'external', $2, '2026-01-02')`,
    exporter.projectId,
    ann,
  )
  await exporter.sql(
    `insert into suppressions (project_id, address, reason) values ($1, 'bob@example.com', 'complaint')`,
    exporter.projectId,
  )
  await exporter.sql(
    `insert into people (project_id, external_id) values ($1 + 1, 'somebody else''s')`,
    exporter.projectId,
  )
  await exporter.sql(`create table events_all partition of events default`)
  await exporter.sql(
    `insert into events (project_id, person_id, id, name, folded_name, properties, source, occurred_at, received_at)
     select $1, case when n % 2 = 0 then $2::bigint else 999999 end, md5(n::text)::uuid,
       case when n % 3 = 0 then 'Signed Up' else 'Paid' end, case when n % 3 = 0 then 'signed up' else 'paid' end,
       jsonb_build_object('n', n, 'item', '=cmd'), 'api', timestamptz '2026-05-01' + (n / 4) * interval '1 second',
       timestamptz '2026-05-02' from generate_series(0, 99) n`,
    exporter.projectId,
    ann,
  )
  await exporter.sql(
    `insert into messages (project_id, id, cause, class, person_id, state, recipient, subject, created_at, due_at)
     select $1, md5('m' || n)::uuid, 'c' || n, 'behavioral', $2, 'sent', '+evil@example.com', 'Hello, "you"',
       timestamptz '2026-05-01' + (n / 30) * interval '1 hour', '2026-05-01' from generate_series(0, 99) n`,
    exporter.projectId,
    bob,
  )
})
afterAll(() => exporter?.close())

const lines = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
const table = (text: string) => parse(text, { columns: true }) as Record<string, string>[]

describe('people as NDJSON', () => {
  it('are complete', async () => {
    const [ann, nobody, bob, ...others] = lines(await exporter.file({ kind: 'people', format: 'ndjson' }))
    expect(others).toEqual([])
    expect(ann).toEqual({
      personId: expect.any(Number),
      id: 'ann "A", 1',
      anonymousId: 'a-1',
      aliases: [{ anonymousId: 'a-1' }, { id: 'old' }],
      email: 'Ann@example.com',
      phone: '+4930123',
      timezone: 'Europe/Berlin',
      language: 'de',
      tags: ['b', 'a'],
      topics: { news: true, offers: false },
      devices: [{ type: 'push', address: 'token' }],
      subscribed: false,
      suppressed: true,
      suppressionReason: 'api',
      createdAt: '2026-01-02T03:04:05.678Z',
      updatedAt: '2026-02-02T00:00:00.000Z',
      properties: {
        plan: 'pro',
        visits: -5,
        ratio: 0.5,
        vip: true,
        nothing: null,
        note: '=1+1',
        empty: '',
        address: { city: 'Köln, "am Rhein"\nDom' },
        email: 'other@example.com',
        id: 7,
        '-x': '@y',
      },
      written: { plan: 1764000000000, $email: 1764000000001, '$tag:old': 3 },
    })
    expect(nobody).toMatchObject({
      id: null,
      anonymousId: 'a-2',
      aliases: [],
      suppressed: false,
      suppressionReason: null,
    })
    expect(bob).toMatchObject({ id: 'bob', suppressed: true, suppressionReason: 'complaint' })
  })
})

describe('people as CSV', () => {
  it('have a column for each property, and nested values as JSON', async () => {
    const text = await exporter.file({ kind: 'people', format: 'csv' })
    expect(text.startsWith('"personId","id","anonymousId","aliases","email"')).toBe(true)
    const [ann, nobody, bob] = table(text)
    expect(Object.keys(ann!).slice(16)).toEqual([
      "'-x",
      'address',
      'property:email',
      'empty',
      'property:id',
      'note',
      'nothing',
      'plan',
      'ratio',
      'vip',
      'visits',
    ])
    expect(ann).toMatchObject({
      id: 'ann "A", 1',
      email: 'Ann@example.com',
      aliases: '[{"anonymousId" : "a-1"}, {"id" : "old"}]',
      tags: '["b","a"]',
      createdAt: '2026-01-02T03:04:05.678Z',
      'property:email': 'other@example.com',
      'property:id': '7',
      vip: 'true',
      nothing: '',
    })
    expect(JSON.parse(ann!.address!)).toEqual({ city: 'Köln, "am Rhein"\nDom' })
    expect(nobody).toMatchObject({ id: '', plan: '' })
    expect(bob).toMatchObject({ id: 'bob', plan: 'free' })
    expect(text.split('\r\n')).toHaveLength(5)
  })

  it('keep spreadsheets from running a text as a formula, unless told otherwise', async () => {
    const guarded = table(await exporter.file({ kind: 'people', format: 'csv' }))[0]!
    expect(guarded).toMatchObject({ note: "'=1+1", "'-x": "'@y", phone: '+4930123', visits: '-5' })
    const kept = table(await exporter.file({ kind: 'people', format: 'csv', formulas: 'kept' }))[0]!
    expect(kept).toMatchObject({ note: '=1+1', '-x': '@y' })
  })

  it('begin with a byte order mark when asked', async () => {
    const { id } = await exporter.make({ kind: 'people', format: 'csv', bom: true })
    const response = await fetch(`${exporter.url}/api/v1/projects/${exporter.projectId}/exports/${id}/file`, {
      headers: { authorization: `Bearer ${exporter.secretKey}` },
    })
    expect([...new Uint8Array(await response.arrayBuffer()).subarray(0, 4)]).toEqual([0xef, 0xbb, 0xbf, 0x22])
  })

  it('have a header alone when there is nobody', async () => {
    const text = await exporter.file({
      kind: 'messages',
      format: 'csv',
      from: '2027-01-01T00:00:00Z',
      to: '2028-01-01T00:00:00Z',
    })
    expect(text).toMatch(/^"id","class",[^\r]*\r\n$/)
    expect(
      await exporter.file({
        kind: 'messages',
        format: 'ndjson',
        from: '2027-01-01T00:00:00Z',
        to: '2028-01-01T00:00:00Z',
      }),
    ).toBe('')
  })

  it('put properties beyond 1,000 columns into the last one', async () => {
    await exporter.sql(
      `update people set properties = properties ||
         (select jsonb_object_agg('p' || lpad(n::text, 4, '0'), n) from generate_series(1, 1000) n)
       where project_id = $1 and external_id = 'bob'`,
      exporter.projectId,
    )
    const rows = table(await exporter.file({ kind: 'people', format: 'csv' }))
    expect(Object.keys(rows[0]!)).toHaveLength(16 + 1_000 + 1)
    // Seven of Ann's come before them.
    expect(Object.keys(JSON.parse(rows[2]!.moreProperties!)).sort()).toEqual([
      ...['p0994', 'p0995', 'p0996', 'p0997', 'p0998', 'p0999', 'p1000', 'plan'],
    ])
    expect(rows[2]).toMatchObject({ p0001: '1', p0993: '993' })
    await exporter.sql(
      `update people set properties = '{"plan":"free"}' where project_id = $1 and external_id = 'bob'`,
      exporter.projectId,
    )
  })
})

describe('some people', () => {
  const segment = async (body: object) => {
    const { status, text, body: made } = await exporter.call('POST', '/segments', body)
    if (status !== 201) throw new Error(text)
    return made.id as number
  }
  const ids = async (body: object) =>
    lines(await exporter.file({ format: 'ndjson', ...body })).map(({ id }) => id)

  it('are those for whom conditions hold', async () => {
    const pro = { person: 'plan', operator: 'equals', value: 'pro' }
    expect(await ids({ kind: 'people', conditions: pro })).toEqual(['ann "A", 1'])
    expect(await ids({ kind: 'people', conditions: { not: pro } })).toEqual([null, 'bob'])
    const paid = { event: 'Paid', count: { operator: '>=', value: 10 } }
    expect(await ids({ kind: 'people', conditions: { all: [paid, { not: { tag: 'z' } }] } })).toEqual([
      'ann "A", 1',
    ])
    expect(await exporter.file({ kind: 'people', format: 'ndjson', conditions: { tag: 'z' } })).toBe('')
    const free = await segment({
      name: 'Free',
      conditions: { person: 'plan', operator: 'equals', value: 'free' },
    })
    expect(await ids({ kind: 'people', conditions: { segment: free } })).toEqual(['bob'])
    // Columns of a CSV are those of the people in it.
    const [bob] = table(await exporter.file({ kind: 'people', format: 'csv', conditions: { segment: free } }))
    expect(Object.keys(bob!).slice(16)).toEqual(['plan'])
  })

  it('are the members of a segment, with the time since when', async () => {
    const vips = await segment({ name: 'VIPs', manual: true })
    const { status } = await exporter.call('POST', `/segments/${vips}/members`, {
      add: ['id:bob', 'id:ann "A", 1'],
    })
    expect(status).toBe(200)
    const members = lines(await exporter.file({ kind: 'segment', format: 'ndjson', segment: vips }))
    expect(members.map(({ id, enteredAt }) => [id, enteredAt])).toEqual([
      ['ann "A", 1', now.toISOString()],
      ['bob', now.toISOString()],
    ])
    await exporter.sql(`update segments set state = 'building' where id = $1`, vips)
    const early = await exporter.call('POST', '/exports', { kind: 'segment', format: 'csv', segment: vips })
    expect({ status: early.status, built: early.text.includes('being built') }).toEqual({
      status: 409,
      built: true,
    })
    await exporter.sql(`update segments set state = 'ready' where id = $1`, vips)
    const conditions = { person: 'plan', operator: 'equals', value: 'free' }
    expect(await ids({ kind: 'segment', segment: vips, conditions })).toEqual(['bob'])
  })
})

describe('events', () => {
  it('are those of a time and a name, oldest first', async () => {
    const all = lines(await exporter.file({ kind: 'events', format: 'ndjson' }))
    expect(all).toHaveLength(100)
    expect(all.map((one) => one.occurredAt)).toEqual(all.map((one) => one.occurredAt).toSorted())
    expect(all.find((one) => one.properties.n === 0)).toMatchObject({
      name: 'Signed Up',
      person: { id: 'ann "A", 1', anonymousId: 'a-1', email: 'Ann@example.com' },
      source: 'api',
      occurredAt: '2026-05-01T00:00:00.000Z',
      receivedAt: '2026-05-02T00:00:00.000Z',
      properties: { n: 0, item: '=cmd' },
    })
    expect(all.find((one) => one.properties.n === 1).person).toEqual({
      id: null,
      anonymousId: null,
      email: null,
    })
    const some = lines(
      await exporter.file({
        kind: 'events',
        format: 'ndjson',
        event: 'SIGNED-up',
        from: '2026-05-01T00:00:02Z',
        to: '2026-05-01T00:00:04Z',
      }),
    )
    expect(some.map((one) => one.properties.n).sort()).toEqual([12, 15, 9])
  })

  it('have their properties as columns of a CSV', async () => {
    const [first] = table(await exporter.file({ kind: 'events', format: 'csv', event: 'paid' }))
    expect(first).toMatchObject({ name: 'Paid', item: "'=cmd", n: expect.stringMatching(/^\d+$/) })
  })
})

describe('messages', () => {
  it('are those of a time, oldest first', async () => {
    const all = lines(await exporter.file({ kind: 'messages', format: 'ndjson' }))
    expect(all).toHaveLength(100)
    expect(new Set(all.map(({ id }) => id)).size).toBe(100)
    expect(all.map((one) => one.createdAt)).toEqual(all.map((one) => one.createdAt).toSorted())
    expect(all[0]).toMatchObject({
      class: 'behavioral',
      channel: 'email',
      person: 'bob',
      subject: 'Hello, "you"',
      test: false,
    })
    const [row] = table(
      await exporter.file({ kind: 'messages', format: 'csv', from: '2026-05-01T03:00:00Z' }),
    )
    expect(row).toMatchObject({
      recipient: "'+evil@example.com",
      subject: 'Hello, "you"',
      createdAt: '2026-05-01T03:00:00.000Z',
    })
  })
})

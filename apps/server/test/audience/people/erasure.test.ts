import type { Json } from '@fairway/queue'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { IngestItem } from '../../../src/audience/items/item.ts'
import {
  type Bench,
  event,
  identify,
  merge,
  remove,
  start,
  startBench,
} from '../../ingest/process-support.ts'
import { bury } from '../../operations/queue/support.ts'

let bench: Bench

beforeAll(async () => {
  bench = await startBench(() => new Date(start + 3_600_000 + performance.now()))
})
afterAll(() => bench?.close())

async function call(method: string, path: string) {
  const response = await fetch(`${bench.url}/api/v1/projects/${bench.projectId}${path}`, {
    method,
    headers: { authorization: `Bearer ${bench.secretKey}` },
  })
  // biome-ignore lint/suspicious/noExplicitAny: whatever the server answers
  return { status: response.status, headers: response.headers, body: (await response.json()) as any }
}

const idOf = async (externalId: string) =>
  (
    await bench.rows<{ id: number }>(
      'select id from people where project_id = $1 and external_id = $2',
      bench.projectId,
      externalId,
    )
  )[0]!.id

describe('an erasure', () => {
  it('answers a receipt that counts what went, from every place, and tells nothing of the person', async () => {
    await bench.process(
      identify('gone', 0, { email: 'Gone@b.co', phone: '+49 30 123456', properties: { name: 'x' } }),
      identify('gone', 1, { properties: { name: 'y' } }),
      event({ id: 'gone', anonymousId: 'gone-visitor' }, 2),
      event('gone', 3),
      merge('gone-old', 'gone', 4),
      identify('stays', 5, { email: 'stays@b.co' }),
    )
    const [id, stays] = [await idOf('gone'), await idOf('stays')]
    const [message] = await bench.rows<{ id: string }>(
      `with m as (
         insert into messages (project_id, id, cause, class, person_id, state, reason, recipient, history)
         values ($1, gen_random_uuid(), 'gone', 'behavioral', $2, 'failed', '550 gone@b.co is unknown', 'gone@b.co',
           '[{"reason":"gone@b.co"}]') returning id),
       b as (insert into mailbox (project_id, message_id, envelope_from, envelope_to, source)
         select $1, id, 'a@b.co', array['gone@b.co'], 'x' from m)
       select id from m`,
      bench.projectId,
      id,
    )
    const reject = (item: object) =>
      bench.rows(
        `insert into ingest_rejects (project_id, reason, item) values ($1, 'r', $2)`,
        bench.projectId,
        JSON.stringify(item),
      )
    await reject({ person: { id: 'gone-old' } })
    await reject({ person: { id: 'another' }, email: 'gone@B.co' })
    await reject({ person: { id: 'stays' } })
    await bench.rows(
      `with s as (insert into segments (project_id, name, kind, size) values ($1, 'Staff', 'manual', 2) returning id),
       i as (insert into imports (project_id, kind, name, preview, columns) values ($1, 'people', 'x',
         '[["1", "Gone@b.co"], ["2", "other"]]', '[{"name": "email", "samples": ["Gone@b.co", "other"]}]') returning id),
       r as (insert into import_rejects (project_id, import_id, position, line, reason, cells)
         select $1, i.id, n, n, 'r', cells from i, (values (1, array['1', ' GONE@b.co ']), (2, array['2', 'stays@b.co'])) as c (n, cells)),
       c as (insert into import_changes (project_id, import_id, created, members, touched, changed)
         select $1, id, array[$2::bigint, $3], array[$3::bigint], 4, jsonb_build_object($2::text, '{"name":[1,2,"secret"]}'::jsonb) from i)
       insert into segment_members (project_id, segment_id, person_id, entered_at)
       select $1, id, p, now() from s, unnest(array[$2::bigint, $3]) as u (p)`,
      bench.projectId,
      id,
      stays,
    )
    const letter = (name: string, data: Json) => ({ project: bench.projectId, lane: 'bulk', name, data })
    await bury(bench, [
      letter('item', { person: { id: 'gone' } }),
      letter('item', { person: { email: 'GONE@b.co' } }),
      letter('deliver', { messageId: message!.id }),
      letter('item', { person: { id: 'stays' } }),
      letter('other', { text: 'gone' }),
    ])

    const { status, body: receipt } = await call('DELETE', '/people/id:gone-old')
    expect(status).toBe(200)
    expect(receipt).toEqual({
      id: expect.any(String),
      idHash: expect.stringMatching(/^[0-9a-f]{64}$/),
      erasedAt: expect.any(String),
      requestedBy: `key ${bench.secretKey.slice(0, 16)}`,
      removed: {
        people: 1,
        events: 2,
        changes: 2,
        ids: 2,
        messages: 1,
        mailbox: 1,
        rejects: 2,
        segments: 1,
        importSamples: 1,
        importRejects: 1,
        importChanges: 1,
        deadLetters: 3,
      },
      note: expect.stringContaining('wait in the queue'),
    })
    expect((await call('GET', '/erasures')).body).toEqual({ items: [receipt], nextCursor: null })
    expect(
      await bench.rows('select state, reason, recipient, history from messages where id = $1', message!.id),
    ).toEqual([{ state: 'failed', reason: null, recipient: null, history: [] }])
    expect(
      await bench.rows('select name, size from segments where project_id = $1', bench.projectId),
    ).toEqual([{ name: 'Staff', size: 1 }])
    expect(
      await bench.rows(
        'select created, members, changed from import_changes where project_id = $1',
        bench.projectId,
      ),
    ).toEqual([{ created: [String(stays)], members: [String(stays)], changed: {} }])
    expect(
      await bench.rows('select preview, columns from imports where project_id = $1', bench.projectId),
    ).toEqual([{ preview: [], columns: [{ name: 'email', samples: [] }] }])
    expect(await bench.app.queue.deadLetters({ tenant: String(bench.projectId) })).toHaveLength(2)
  })

  it('by an ingestion API leaves a receipt, once, also for an id that nobody has', async () => {
    const project = await bench.newProject()
    await project.process(identify('a', 0), event('a', 1))
    const jobs = await project.process(remove('a', 10), remove('nobody', 11))
    await project.redeliver(jobs)
    const receipts = await project.rows<{ removed: object; requested_by: string }>(
      'select removed, requested_by from erasure_receipts where project_id = $1 order by erased_at',
      project.projectId,
    )
    expect(receipts).toEqual([
      { removed: { people: 1, events: 1 }, requested_by: 'test' },
      { removed: {}, requested_by: 'test' },
    ])
    // What was accepted before and comes late belongs to the erased person.
    await project.process(event('a', 5))
    expect(await project.rows('select from people where project_id = $1', project.projectId)).toEqual([])
  })

  it('is listed by pages, newest first', async () => {
    for (const id of ['p1', 'p2', 'p3']) {
      await bench.process(identify(id, 0))
      expect((await call('DELETE', `/people/id:${id}`)).status).toBe(200)
    }
    const { body: first } = await call('GET', '/erasures?limit=2')
    const { body: rest } = await call('GET', `/erasures?limit=2&cursor=${first.nextCursor}`)
    const times = [...first.items, ...rest.items].map(({ erasedAt }) => erasedAt)
    expect(times).toHaveLength(4)
    expect(times).toEqual([...times].sort().reverse())
  })
})

it('an export holds everything about a person, whatever its size', async () => {
  const items: IngestItem[] = [
    identify('e', 0, { email: 'e@b.co', topics: { news: true }, devices: [{ type: 'push', address: 't' }] }),
    identify({ id: 'e', anonymousId: 'e-visitor' }, 1, { properties: { plan: 'pro' } }),
  ]
  for (let i = 0; i < 2_500; i++) items.push(event('e', i % 7, { properties: { i } }))
  await bench.process(...items)
  const id = await idOf('e')
  await bench.rows(
    `insert into messages (project_id, id, cause, class, person_id, subject) values ($1, gen_random_uuid(), 'e', 'behavioral', $2, 'Hi')`,
    bench.projectId,
    id,
  )
  const { status, headers, body } = await call('GET', '/people/id:e/export')
  expect(status).toBe(200)
  expect(headers.get('content-disposition')).toBe(`attachment; filename="person-${id}.json"`)
  expect(body).toMatchObject({
    person: { id, email: 'e@b.co', topics: { news: true }, channels: [{ address: 't' }] },
    segments: [],
    aliases: [{ alias: 'e-visitor', kind: 'anonymous' }],
    messages: [{ subject: 'Hi' }],
  })
  expect(body.changes.length).toBe(
    (await bench.rows('select from person_changes where person_id = $1', id)).length,
  )
  const numbers = body.events.map((told: { properties: { i: number } }) => told.properties.i)
  expect(numbers.sort((a: number, b: number) => a - b)).toEqual(Array.from({ length: 2_500 }, (_, i) => i))
  expect(await call('GET', '/people/id:nobody/export')).toMatchObject({ status: 404 })
})

import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import {
  type Bench,
  event,
  identify,
  merge,
  remove,
  start,
  startBench,
} from '../../ingest/process-support.ts'

let root: Bench
let bench: Bench

beforeAll(async () => {
  root = await startBench()
})
afterAll(() => root?.close())
beforeEach(async () => {
  bench = await root.newProject()
})

const people = () =>
  bench.rows(
    'select external_id, email, properties, tags from people where project_id = $1 order by 1',
    bench.projectId,
  )
const count = async (table: string) =>
  (
    await bench.rows<{ n: number }>(
      `select count(*) as n from ${table} where project_id = $1`,
      bench.projectId,
    )
  )[0]!.n

/** Every text that the project's rows still hold. */
async function allText(): Promise<string> {
  const tables = await bench.rows<{ name: string }>(
    `select c.relname as name from pg_attribute a join pg_class c on c.oid = a.attrelid
     where a.attname = 'project_id' and c.relkind in ('r', 'p') and not c.relispartition`,
  )
  const texts: string[] = []
  for (const { name } of tables)
    for (const row of await bench.rows(
      `select to_jsonb(t) as row from ${name} t where project_id = $1`,
      bench.projectId,
    ))
      texts.push(JSON.stringify(row))
  return texts.join('\n')
}

it('leaves nothing but a hash: data, events, history, aliases, what messages said, mailbox copies, rejects', async () => {
  await bench.process(
    identify('secret-id', 0, { email: 'secret@b.co', phone: 'secret-phone', properties: { name: 'secret' } }),
    identify('secret-id', 1, { properties: { name: 'secret 2' }, tags: { add: ['vip'], remove: [] } }),
    event({ id: 'secret-id', anonymousId: 'secret-visitor' }, 2, { properties: { address: 'secret' } }),
    merge('secret-old', 'secret-id', 3),
    identify('secret-id', 4, { properties: { bad: 'secret \u0000' } }),
    identify('other', 5, { properties: { name: 'kept' } }),
  )
  await bench.rows(
    `with m as (
       insert into messages (project_id, id, cause, class, person_id, state, recipient, subject, input, event_id)
       select $1, gen_random_uuid(), state, 'behavioral', p.id, state, 'secret@b.co', 'Hi secret', '{"to":["secret@b.co"]}',
         gen_random_uuid()
       from people p, unnest(array['sent', 'pending']) as s (state) where p.project_id = $1 and p.external_id = 'secret-id'
       returning id),
     a as (insert into attachments (project_id, message_id, position, filename, content)
       select $1, id, 0, 'secret.pdf', 'x' from m)
     insert into mailbox (project_id, message_id, envelope_from, envelope_to, subject, source)
     select $1, id, 'a@b.co', array['secret@b.co'], 'Hi secret', 'x' from m`,
    bench.projectId,
  )
  expect(await count('ingest_rejects')).toBe(1)
  await bench.process(remove({ email: 'unknown@b.co' }, 9), remove('secret-old', 10))

  expect(await people()).toMatchObject([{ external_id: 'other' }])
  expect(await allText()).not.toContain('secret')
  expect(
    await bench.rows('select state, reason from messages where project_id = $1 order by 1', bench.projectId),
  ).toEqual([
    { state: 'sent', reason: null },
    { state: 'skipped', reason: 'erased' },
  ])
  // secret-id, secret-old, secret-visitor and the unknown address
  expect(await count('erasures')).toBe(4)
})

it('drops what was accepted before and comes later, and begins anew with what was accepted after', async () => {
  await bench.process(identify('1', 0, { properties: { old: 1 } }), merge('alias', '1', 1))
  await bench.process(remove('1', 10))
  await bench.process(event('1', 5), identify('alias', 9, { properties: { late: 1 } }))
  expect(await people()).toEqual([])
  expect(await count('events')).toBe(0)
  await bench.process(identify('1', 11, { properties: { fresh: 1 } }), event('1', 7))
  expect(await people()).toMatchObject([{ external_id: '1', properties: { fresh: 1 } }])
  expect(await count('events')).toBe(0)
  const counts = await bench.rows(
    `select sum(value)::int as n from counters where project_id = $1 and name = 'erased'`,
    bench.projectId,
  )
  expect(counts).toEqual([{ n: 3 }])
})

it('keeps to the order of acceptance inside a batch, also within a millisecond', async () => {
  await bench.process(
    identify('1', 0, { properties: { before: 1 } }),
    event('1', 0, { name: 'before' }),
    remove('1', 0),
    identify('1', 0, { properties: { after: 1 } }),
    event('1', 0, { name: 'after' }),
    remove('2', 1),
    event('2', 1, { name: 'after' }),
    event('2', 2, { name: 'before' }),
    remove('2', 3),
  )
  expect(await people()).toMatchObject([{ external_id: '1', properties: { after: 1 } }])
  expect(await bench.rows('select name from events where project_id = $1', bench.projectId)).toEqual([
    { name: 'after' },
  ])
})

it('spares what is newer than an erasure that comes late', async () => {
  await bench.process(
    identify('1', 0, { properties: { old: 1, both: 'old' }, tags: { add: ['old'], remove: [] } }),
    event('1', 1, { name: 'old' }),
    identify('1', 20, { properties: { both: 'new', fresh: 1 } }),
    event('1', 21, { name: 'fresh' }),
  )
  await bench.process(remove('1', 10))
  expect(await people()).toMatchObject([
    { external_id: '1', properties: { both: 'new', fresh: 1 }, tags: [] },
  ])
  expect(await bench.rows('select name from events where project_id = $1', bench.projectId)).toEqual([
    { name: 'fresh' },
  ])
})

it('forgets the other ids of before, also of who goes on', async () => {
  const later = 7_200_000
  await bench.process(event({ id: '1', anonymousId: 'v' }, 0), merge('old', '1', 1))
  await bench.process(identify('1', later + 2, { properties: { fresh: 1 } }))
  await bench.process(remove('1', later + 1))
  expect(await people()).toMatchObject([{ external_id: '1', properties: { fresh: 1 } }])
  expect(await count('person_aliases')).toBe(0)
  expect(await bench.rows('select anonymous_id from people where project_id = $1', bench.projectId)).toEqual([
    { anonymous_id: null },
  ])
  await bench.process(event('old', later), event({ anonymousId: 'v' }, later))
  expect(await people()).toHaveLength(1)
  // A visitor has no other.
  await bench.process(event({ anonymousId: 'w' }, 0))
  await bench.process(event({ anonymousId: 'w' }, later + 2))
  await bench.process(remove({ anonymousId: 'w' }, later + 1), event({ anonymousId: 'w' }, later + 3))
  expect(await people()).toHaveLength(2)
})

it('leaves its address to who goes on under an address as the id', async () => {
  const address = { email: 'A@b.co' }
  await bench.process(
    identify(address, 0, { properties: { old: 1 } }),
    identify(address, 20, { properties: { fresh: 1 } }),
  )
  await bench.process(remove(address, 10))
  expect(await people()).toMatchObject([{ external_id: 'a@b.co', email: 'a@b.co', properties: { fresh: 1 } }])
  await bench.process(remove(address, 30))
  expect(await people()).toEqual([])
})

it('erases both of two people who were merged before the erasure, as it learns too late', async () => {
  await bench.process(identify('a', 0, { properties: { x: 1 } }), identify('b', 1, { properties: { y: 1 } }))
  await bench.process(remove('b', 10))
  await bench.process(merge('a', 'b', 5))
  expect(await people()).toEqual([])
})

it('erases the visitor, too, who turns out too late to have been the erased person', async () => {
  const link = identify({ id: '1', anonymousId: 'v' }, 1)
  // In one batch, and with the erasure first, as after a retry.
  await bench.process(event({ anonymousId: 'v' }, 0), link, remove('1', 10))
  expect(await people()).toEqual([])
  await bench.process(event({ anonymousId: 'w' }, 0), remove('2', 10))
  expect(await people()).toHaveLength(1)
  await bench.process(identify({ id: '2', anonymousId: 'w' }, 1), event({ anonymousId: 'w' }, 2))
  expect(await people()).toEqual([])
  expect(await count('events')).toBe(0)
  // Not who only shared a device.
  await bench.process(identify({ id: '3', anonymousId: 'x' }, 0), remove('4', 10))
  await bench.process(identify({ id: '4', anonymousId: 'x' }, 1))
  expect(await people()).toMatchObject([{ external_id: '3' }])
})

it('does not take the merge after an erasure for one before it', async () => {
  await bench.process(identify('a', 0, { properties: { x: 1 } }), identify('b', 1, { properties: { y: 1 } }))
  await bench.process(merge('a', 'b', 11), remove('a', 10))
  expect(await people()).toMatchObject([{ external_id: 'b', properties: { y: 1 } }])
})

it('erases once: a redelivered erasure leaves the new person alone', async () => {
  const jobs = await bench.process(identify('1', 0), remove('1', 10))
  await bench.process(identify('1', 20, { properties: { fresh: 1 } }))
  await bench.redeliver(jobs)
  // Also when its key was swept long ago.
  await bench.rows('delete from ingest_keys where project_id = $1', bench.projectId)
  await bench.redeliver(jobs)
  expect(await people()).toMatchObject([{ external_id: '1', properties: { fresh: 1 } }])
})

it('does not erase in another project', async () => {
  const other = await root.newProject()
  await other.process(identify('1', 0))
  await bench.process(remove('1', 10))
  await other.process(event('1', 5))
  expect(await other.rows('select occurred_at from events where project_id = $1', other.projectId)).toEqual([
    { occurred_at: new Date(start + 5) },
  ])
})

import type { Json } from '@fairway/queue'
import fc from 'fast-check'
import type { Pool } from 'pg'
import { ensurePartitions } from '../../../src/audience/events/partitions.ts'
import { foldName } from '../../../src/audience/items/item.ts'
import { loadPeople } from '../../../src/audience/people/lookup.ts'
import { foldedAddress } from '../../../src/platform/email-address.ts'
import { addresses, eventNames, properties, segmentIds } from './arbitraries.ts'

export const now = new Date('2026-11-23T10:00:00Z')
const dayMs = 86_400_000

/** Moments around now, some of them exactly where windows end. */
const instant = fc.oneof(
  fc.integer({ min: -400 * 24, max: 24 }).map((hours) => new Date(now.getTime() + hours * 3_600_000)),
  fc.integer({ min: -400, max: 2 }).map((days) => new Date(now.getTime() + days * dayMs)),
  fc.constantFrom(-1, 0, 1).map((ms) => new Date(now.getTime() + ms)),
)

/** As they are stored; the last ones by older versions. */
const timezones = [
  'Europe/Berlin',
  'Pacific/Kiritimati',
  'Etc/GMT+12',
  'asia/kathmandu',
  'America/Santiago',
  '-3.5',
  'Mars',
]

export interface WorldEvent {
  id: string
  name: string
  at: Date
  properties: Record<string, Json>
}

interface WorldPerson {
  email: string | null
  timezone: string | null
  properties: Record<string, Json>
  tags: string[]
  topics: Record<string, boolean>
  subscribed: boolean
  createdAt: Date
  segments: number[]
  events: WorldEvent[]
  messages: {
    state: 'sent' | 'failed' | 'pending'
    test: boolean
    campaign: number
    template: number
    at: Date
    opened: Date | null
    clicked: Date | null
  }[]
}

const event: fc.Arbitrary<WorldEvent> = fc.record({
  id: fc.uuid(),
  name: fc.constantFrom(...eventNames, 'purchased-item', 'LEFT', 'Never asked for'),
  at: instant,
  properties,
})

const person: fc.Arbitrary<WorldPerson> = fc.record({
  email: fc.option(fc.constantFrom(...addresses)),
  timezone: fc.option(fc.constantFrom(...timezones)),
  properties,
  tags: fc.subarray(['vip', 'lead']),
  topics: fc.dictionary(fc.constantFrom('news', 'offers'), fc.boolean()),
  subscribed: fc.boolean(),
  createdAt: instant,
  segments: fc.subarray(segmentIds),
  events: fc.array(event, { maxLength: 8 }),
  messages: fc.array(
    fc.record({
      state: fc.constantFrom('sent', 'failed', 'pending'),
      test: fc.boolean(),
      campaign: fc.integer({ min: 1, max: 2 }),
      template: fc.integer({ min: 1, max: 2 }),
      at: instant,
      opened: fc.option(instant),
      clicked: fc.option(instant),
    }),
    { maxLength: 3 },
  ),
})

export const people = fc.array(person, { minLength: 25, maxLength: 25 })

/** Stores these people, and nobody else, in the project; their ids count from 1. */
export async function storeWorld(pool: Pool, projectId: number, world: WorldPerson[]) {
  for (const table of ['people', 'events', 'messages', 'segments', 'segment_members'])
    await pool.query(`delete from ${table} where project_id in ($1, $1 + 1)`, [projectId])
  await pool.query(
    `insert into segments (project_id, id, name, kind) overriding system value
     select $1, id, 'Segment ' || id, 'manual' from unnest($2::integer[]) as s (id)`,
    [projectId, segmentIds],
  )
  await pool.query(
    `insert into projects (id, name, timezone) overriding system value values ($1, 'World', 'America/New_York')
     on conflict do nothing`,
    [projectId],
  )
  const rows = <T>(list: T[]) => JSON.stringify(list)
  await pool.query(
    `insert into people (project_id, id, external_id, email, folded_email, properties, tags, topics, subscribed, created_at, timezone)
     overriding system value
     select $1, id, 'u' || id, email, folded, properties, tags, topics, subscribed, "createdAt", timezone
     from json_to_recordset($2) as r (id bigint, email text, folded text, properties jsonb, tags text[], topics jsonb,
       subscribed boolean, "createdAt" timestamptz, timezone text)`,
    [
      projectId,
      rows(
        world.map((one, index) => ({ ...one, id: index + 1, folded: one.email && foldedAddress(one.email) })),
      ),
    ],
  )
  const events = world.flatMap(({ events }, index) =>
    events.map((one) => ({ ...one, person: index + 1, folded: foldName(one.name) })),
  )
  await ensurePartitions(
    pool,
    events.map(({ at }) => at.getTime()),
  )
  // Another project's events must never count.
  await pool.query(
    `insert into events (project_id, person_id, id, name, folded_name, properties, occurred_at)
     select $1 + other, person, id, name, folded, properties, at
     from json_to_recordset($2) as r (person bigint, id uuid, name text, folded text, properties jsonb, at timestamptz),
       (values (0), (1)) as p (other)`,
    [projectId, rows(events)],
  )
  await pool.query(
    `insert into messages (project_id, id, cause, class, person_id, state, test, campaign_id, template_id, settled_at,
       opened_at, clicked_at, created_at)
     select $1, gen_random_uuid(), place::text, 'behavioral', person, state, test, campaign, template, at, opened, clicked, at
     from json_to_recordset($2) as r (place integer, person bigint, state text, test boolean, campaign integer,
       template integer, at timestamptz, opened timestamptz, clicked timestamptz)`,
    [
      projectId,
      rows(
        world
          .flatMap(({ messages }, index) => messages.map((one) => ({ ...one, person: index + 1 })))
          .map((one, place) => ({ ...one, place })),
      ),
    ],
  )
  await pool.query(
    `insert into segment_members (project_id, segment_id, person_id, entered_at)
     select $1, segment, person, $3 from json_to_recordset($2) as r (segment integer, person bigint)`,
    [
      projectId,
      rows(
        world.flatMap(({ segments }, index) => segments.map((segment) => ({ segment, person: index + 1 }))),
      ),
      now,
    ],
  )
  const stored = await loadPeople(
    pool,
    projectId,
    world.map((_, index) => index + 1),
  )
  return [...stored.values()].sort((a, b) => a.id - b.id)
}

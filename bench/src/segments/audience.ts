import type pg from 'pg'
import type { Condition } from '../../../apps/server/src/audience/conditions/language.ts'
import { ensurePartitions } from '../../../apps/server/src/audience/events/partitions.ts'
import { foldName } from '../../../apps/server/src/audience/items/item.ts'

/** From frequent to rare: half of all events have the first name, a quarter the second, and so on. */
export const eventNames = [
  'Viewed item',
  'Signed in',
  'Added to cart',
  'Purchased item',
  'Rated item',
  'Invited friend',
  'Changed plan',
  'Contacted support',
]
const dayMs = 86_400_000
const days = 360

/** People with a few properties each, and their events over a year, made by PostgreSQL with a fixed pattern. */
export async function makeAudience(
  database: pg.Pool,
  projectId: number,
  people: number,
  eventsPerPerson: number,
): Promise<void> {
  const makeIndexes = await dropIndexes(database)
  await database.query(
    `insert into people (project_id, external_id, email, properties, tags, subscribed, created_at, updated_at)
     select $1, 'user-' || i, 'user-' || i || '@example.com',
       jsonb_build_object('plan', (array['free', 'free', 'free', 'pro', 'team'])[i % 5 + 1], 'orders', i::bigint * 7919 % 50,
         'city', 'City ' || i % 500, 'trial_ends', to_char(now() + (i % 720 - 360) * interval '1 day', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')),
       case when i % 10 = 3 then array['vip'] else '{}' end, i % 20 <> 0,
       now() - i % 1000 * interval '1 day', now()
     from generate_series(1, $2::integer) as s (i)`,
    [projectId, people],
  )
  const now = Date.now()
  await ensurePartitions(
    database,
    Array.from({ length: days + 2 }, (_, day) => now - day * dayMs),
  )
  const names = eventNames.map(foldName)
  for (let round = 0; round < eventsPerPerson; round++) {
    // The position of the lowest bit that is set in a hash: half are 1, a quarter 2, …
    await database.query(
      `insert into events (project_id, person_id, id, name, folded_name, properties, occurred_at, received_at)
       select $1, id, gen_random_uuid(), ($2::text[])[kind], ($3::text[])[kind],
         jsonb_build_object('sku', 'sku-' || id % 1000, 'price', id * 31 % 200), at, at
       from (
         select id, least(8, position('1' in reverse((hashint8extended(id, $4) & 255 | 256)::bit(9)::text))) as kind,
           $5::timestamptz - (abs(hashint8extended(id, $4 + 1000)) % ${days * 1_440}) * interval '1 minute' as at
         from people where project_id = $1) as p`,
      [projectId, eventNames, names, round, new Date(now)],
    )
  }
  await makeIndexes()
  for (const table of ['people', 'events']) await database.query(`vacuum analyze ${table}`)
}

/** Twenty million rows in the order of their people would go to random places of each index, for most of an hour. */
async function dropIndexes(database: pg.Pool): Promise<() => Promise<void>> {
  const { rows: indexes } = await database.query<{ name: string; definition: string }>(
    `select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as definition
     from pg_index where indrelid in ('people'::regclass, 'events'::regclass) and not indisprimary`,
  )
  for (const { name } of indexes) await database.query(`drop index ${name}`)
  await database.query('alter table events drop constraint events_pkey')
  return async () => {
    const definitions = indexes.map(({ definition }) => definition.replace(' ON ONLY ', ' ON '))
    for (const definition of [
      'alter table events add primary key (project_id, occurred_at, id)',
      ...definitions,
    ])
      await database.query(`set maintenance_work_mem = '1GB'; ${definition}`)
  }
}

/** Segments as a project has them: properties, tags, dates, counts of events, groups of these. */
export function manySegments(count: number): Condition[] {
  const kinds: ((n: number) => Condition)[] = [
    (n) => ({ person: 'city', operator: 'equals', value: `City ${n % 500}` }),
    (n) => ({
      all: [
        { person: 'plan', operator: 'one_of', value: ['pro', 'team'] },
        { person: 'orders', operator: '>=', value: n % 50 },
      ],
    }),
    (n) => ({
      all: [{ tag: 'vip' }, { event: eventNames[n % 8]!, count: { operator: '>=', value: (n % 4) + 1 } }],
    }),
    (n) => ({
      any: [
        { event: eventNames[n % 8]!, within: { last: { days: (n % 60) + 1 } } },
        { person: 'trial_ends', operator: '<', value: { ahead: { days: n % 30 } } },
      ],
    }),
    (n) => ({
      all: [
        { subscribed: true },
        { event: eventNames[n % 8]!, did: false, within: { last: { days: 30 + (n % 90) } } },
      ],
    }),
  ]
  return Array.from({ length: count }, (_, n) => kinds[n % kinds.length]!(n))
}

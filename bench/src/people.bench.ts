/**
 * What somebody who looks for people waits for, among ten million of them: pages of the list at random places and at its
 * end, searches by each field with what follows after the first page, and a person's page with its timeline. Every request
 * is made twice, and the second time counts: that is what "warm" means. One client, over HTTP, on the machine of server and
 * PostgreSQL.
 */
import pg from 'pg'
import { ensurePartitions } from '../../apps/server/src/audience/events/partitions.ts'
import { closeAll, createProject, startFairway, startPostgres } from './machines.ts'
import { randomFrom } from './random.ts'
import { option, quick, type Row, report } from './report.ts'

const people = option('people', quick ? 100_000 : 10_000_000)
const requests = option('requests', quick ? 100 : 500)
const p99Target = 50

/** People whose values spread as real ones do: names and domains that many share, ids and numbers that nobody does. */
async function makePeople(database: pg.Pool, project: number): Promise<void> {
  const { rows: indexes } = await database.query<{ name: string; definition: string }>(
    `select indexname as name, indexdef as definition from pg_indexes
     where tablename = 'people' and indexname not in ('people_pkey', 'people_external')`,
  )
  for (const { name } of indexes) await database.query(`drop index ${name}`)
  const step = 1_000_000
  for (let from = 0; from < people; from += step) {
    await database.query(
      `insert into people (project_id, external_id, email, phone, properties, tags, created_at, updated_at)
       select $1, md5(i::text), first || '.' || last || i || '@' || domain, '+49' || (15000000000 + i * 7919 % 9999999967),
         jsonb_build_object('first_name', first, 'last_name', last, 'plan', (array['free', 'pro', 'team'])[i % 3 + 1],
           'orders', i % 40, 'city', 'City ' || i % 500),
         case when i % 10 = 0 then array['vip'] else '{}' end,
         timestamptz '2026-01-01' + i * interval '1 second', timestamptz '2026-01-01' + (i * 7919 % 30000001) * interval '1 second'
       from (select i, (array['anna','ben','carla','david','eva','frank','gina','hugo','ines','jan'])[i % 10 + 1] || i / 10 % 300 as first,
               (array['smith','jones','garcia','muller','rossi','silva','novak','kim','sato','khan'])[i / 7 % 10 + 1] || i % 997 as last,
               (array['example.com','mail.test','shop.example','corp.test'])[i % 4 + 1] as domain
             from generate_series($2::bigint, $3::bigint) as s (i)) as p`,
      [project, from + 1, Math.min(from + step, people)],
    )
    process.stdout.write('.')
  }
  for (const { definition } of indexes) await database.query(definition)
  await ensurePartitions(database, [Date.now(), Date.now() - 3_600_000])
  await database.query(
    `insert into events (project_id, person_id, id, name, folded_name, occurred_at, properties)
     select $1, p.id, gen_random_uuid(), 'Viewed item', 'viewed item', now() - n * interval '1 minute', '{"sku":"sku-1"}'
     from (select id from people where project_id = $1 and id % 100 = 0) as p, generate_series(1, 20) as s (n)`,
    [project],
  )
  await database.query(
    `insert into person_aliases (project_id, kind, alias, person_id)
     select $1, 'anonymous', md5('visitor' || id), id from people where project_id = $1 and id % 2 = 0`,
    [project],
  )
  for (const table of ['people', 'person_aliases', 'events']) await database.query(`vacuum analyze ${table}`)
  process.stdout.write('\n')
}

interface Sample {
  id: number
  external_id: string
  email: string
  phone: string
  name: string
  updated: string
}

/** Random people, by a fixed seed; of those with events when asked. */
async function sample(database: pg.Pool, project: number, random: () => number, withEvents = false) {
  const { rows: bounds } = await database.query(
    'select min(id) as least, max(id) as most from people where project_id = $1',
    [project],
  )
  const { least, most } = bounds[0]
  const places = Array.from({ length: requests }, () => Math.floor(least + random() * (most - least)))
  const { rows } = await database.query<Sample>(
    `select id, external_id, email, phone, person_name(properties) as name, updated_at::text as updated
     from people where project_id = $1 and id = any($2::bigint[])`,
    [project, withEvents ? places.map((place) => Math.max(100, place - (place % 100))) : places],
  )
  return rows
}

const cursorOf = (...parts: string[]) => Buffer.from(JSON.stringify(parts)).toString('base64url')

const postgres = await startPostgres()
try {
  const url = await postgres.database('fairway_people')
  const { project, secretKey } = await createProject(url, 'bench')
  const database = new pg.Pool({ connectionString: url, max: 2 })
  const startedAt = performance.now()
  await makePeople(database, Number(project.id))
  const secondsToMake = Math.round((performance.now() - startedAt) / 1_000)
  const fairway = await startFairway(url, { FAIRWAY_ROLE: 'api' })

  const get = async (path: string) => {
    const response = await fetch(`${fairway.url}/api/v1/projects/${project.id}/people${path}`, {
      headers: { authorization: `Bearer ${secretKey}` },
    })
    const body = await response.json()
    if (!response.ok) throw new Error(`${path}: ${response.status} ${JSON.stringify(body)}`)
    return body as { items: unknown[]; nextCursor: string | null }
  }
  const rows: Row[] = []
  const measure = async (name: string, paths: string[]) => {
    for (const path of paths) await get(path)
    const times: number[] = []
    for (const path of paths) {
      const at = performance.now()
      await get(path)
      times.push(performance.now() - at)
    }
    times.sort((a, b) => a - b)
    const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))]!
    const row = (which: string, share: number, target?: Row['target']): Row => ({
      case: `${name}, ${which}`,
      unit: 'ms',
      ours: Number(at(share).toPrecision(3)),
      peer: null,
      peerName: null,
      ratio: null,
      ...(target && { target }),
    })
    rows.push(row('p50', 0.5), row('p99', 0.99, { atMost: p99Target }))
  }

  const random = randomFrom(1)
  const some = await sample(database, Number(project.id), random)
  await measure(
    'a page of the list, anywhere',
    some.map(({ id, updated }) => `?cursor=${cursorOf(updated, String(id))}`),
  )
  const { rows: last } = await database.query<Sample>(
    `select id, updated_at::text as updated from people where project_id = $1 order by updated_at, id limit $2`,
    [project.id, Math.min(requests * 20, people)],
  )
  await measure(
    'a page at its end',
    last.filter((_, n) => n % 20 === 0).map(({ id, updated }) => `?cursor=${cursorOf(updated, String(id))}`),
  )
  const beginning = (text: string) => encodeURIComponent(text.slice(0, 2 + Math.floor(random() * 8)))
  const stages = { external_id: 0, email: 3, phone: 4, name: 4 } as const
  for (const field of ['external_id', 'email', 'phone', 'name'] as const) {
    const values = some.map((person) => ({ person, value: person[field], search: beginning(person[field]) }))
    await measure(
      `a search by ${field === 'external_id' ? 'id' : field}`,
      values.map(({ search }) => `?search=${search}`),
    )
    await measure(
      `a page within a search by ${field === 'external_id' ? 'id' : field}`,
      values.map(
        ({ person, value, search }) =>
          `?search=${search}&cursor=${cursorOf(String(stages[field]), value, String(person.id))}`,
      ),
    )
  }
  const active = await sample(database, Number(project.id), random, true)
  await measure(
    'a person',
    active.map(({ id }) => `/${id}`),
  )
  await measure(
    'their timeline',
    active.map(({ id }) => `/${id}/timeline`),
  )
  const { rows: sizes } = await database.query(
    `select pg_table_size('people') as people, pg_indexes_size('people') as indexes`,
  )
  await database.end()
  // A small run is no published figure.
  report(people < 10_000_000 ? 'people-short' : 'people', rows, {
    people,
    requests,
    secondsToMake,
    bytes: sizes[0],
  })
} finally {
  await closeAll()
}

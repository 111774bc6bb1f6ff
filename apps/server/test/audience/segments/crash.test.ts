import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../../../testing/postgres.ts'
import { type ServerProcess, startServerProcess } from '../../../../../testing/process.ts'
import { until } from '../../../../../testing/until.ts'
import { ConditionCompiler } from '../../../src/audience/conditions/condition-sql.ts'
import type { Condition } from '../../../src/audience/conditions/language.ts'
import { loadZones } from '../../../src/audience/conditions/load-zones.ts'
import { holdPeople } from '../../../src/audience/people/session.ts'
import { withTransaction } from '../../../src/platform/db/transaction.ts'

const people = 60_000
const changes = 4_000
const kills = 4

let database: TestDatabase
let server: ServerProcess

beforeAll(async () => {
  database = await createTestDatabase()
  server = await startServerProcess({ env: { DATABASE_URL: database.url } })
})
afterAll(async () => {
  await server?.dispose()
  await database?.drop()
})

const conditions: Condition[] = [
  { person: 'plan', operator: 'equals', value: 'pro' },
  {
    all: [
      { person: 'score', operator: '<', value: 30_000 },
      { event: 'Signed in', count: { operator: '>=', value: 2 } },
    ],
  },
  { person: 'tier', operator: 'equals', value: 'gold' },
]

test('kill -9 at any moment of building and of following: everybody ends where they belong, each crossing told once', async () => {
  const created = JSON.parse(await server.cli('project', 'create', 'Struck', '--json'))
  const project = Number(created.project.id)
  const send = (path: string, body: unknown, key = created.secretKey) =>
    fetch(`${server.url}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  await database.pool.query(
    `insert into people (project_id, external_id, properties)
     select $1, 'p' || i, jsonb_build_object('plan', case when i % 3 = 0 then 'pro' else 'free' end, 'score', i)
     from generate_series(1, $2::integer) as s (i)`,
    [project, people],
  )
  for (const [place, one] of conditions.entries()) {
    const answer = await send(`/api/v1/projects/${project}/segments`, {
      name: `Segment ${place}`,
      conditions: one,
    })
    expect(answer.status).toBe(201)
  }
  const authorization = `Basic ${Buffer.from(`${created.trackingKey}:`).toString('base64')}`
  const batch = (from: number) =>
    fetch(`${server.url}/v1/batch`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify({
        batch: Array.from({ length: 200 }, (_, n) => {
          const userId = `p${1 + ((from + n) % (changes / 2)) * 7}`
          const messageId = `m${from + n}`
          return (from + n) % 2 === 0
            ? { type: 'track', messageId, userId, event: 'Signed in' }
            : { type: 'identify', messageId, userId, traits: { plan: (from + n) % 5 < 2 ? 'pro' : 'free' } }
        }),
      }),
    })
  let from = 0
  for (let kill = 0; kill <= kills; kill++) {
    for (const end = Math.min(changes, from + changes / (kills + 1)); from < end; from += 200)
      expect((await batch(from)).status).toBe(200)
    if (kill === kills) break
    if (kill === kills - 1) {
      await changeEverybody(project)
      await until(() => someWait(project))
    }
    await sleep(Math.random() * 1_500)
    await server.kill()
    await server.restart()
  }
  await settled(project)

  for (const [place, one] of conditions.entries()) {
    const zones = await loadZones(database.pool, project, one)
    const compiler = new ConditionCompiler(project, new Date(), 'sets', { zones })
    const belongs = compiler.compile(one)
    const { rows: expected } = await database.pool.query(
      `select p.id from people p ${compiler.joins} where p.project_id = ${compiler.context.project} and ${belongs} order by 1`,
      compiler.values,
    )
    const { rows: members } = await database.pool.query(
      `select person_id as id, s.size from segments s join segment_members m on m.project_id = $1 and m.segment_id = s.id
       where s.project_id = $1 and s.name = $2 order by 1`,
      [project, `Segment ${place}`],
    )
    expect(members.map(({ id }) => id)).toEqual(expected.map(({ id }) => id))
    expect(members[0]!.size).toBe(members.length)
  }
  // Whoever entered twice left in between.
  const { rows: repeated } = await database.pool.query(
    `select person_id from (
       select person_id, name, lag(name) over (partition by person_id, properties ->> 'segmentId' order by occurred_at) as before
       from events where project_id = $1 and source = 'fairway') as e where name = before`,
    [project],
  )
  expect(repeated).toEqual([])
}, 240_000)

/** As an import does, in rows of people from everywhere: by far more than one step looks at. */
const changeEverybody = (project: number) =>
  withTransaction(database.pool, async (client) => {
    await holdPeople(client, project, { exclusive: true })
    await client.query(
      `with changed as (
         update people set properties = properties || jsonb_build_object('tier', case when id % 2 = 0 then 'gold' else 'none' end)
         where project_id = $1 returning id)
       insert into changed_people (project_id, people, event_people, event_names)
       select $1, array_agg(id), '{}', '{}'
       from (select id, row_number() over (order by hashint8(id)) / 500 as part from changed) as c group by part`,
      [project],
    )
  })

async function someWait(project: number): Promise<boolean> {
  const { rows } = await database.pool.query('select from changed_batches where project_id = $1 limit 1', [
    project,
  ])
  return rows.length > 0
}

/** Until nothing is built, nobody is noted and nothing waits to be processed. */
async function settled(project: number): Promise<void> {
  for (let tries = 0; tries < 1_200; tries++) {
    const { rows } = await database.pool.query<{ quiet: boolean }>(
      `select not exists (select from segments where project_id = $1 and state = 'building')
         and not exists (select from changed_people where project_id = $1)
         and not exists (select from changed_batches where project_id = $1)
         and (select count(*) from events where project_id = $1 and name = 'Signed in') = $2 as quiet`,
      [project, changes / 2],
    )
    if (rows[0]!.quiet) return
    await sleep(100)
  }
  throw new Error(`the segments never came to rest: ${server.stderr.slice(-2_000)}`)
}

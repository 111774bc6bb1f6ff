import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../../../testing/postgres.ts'
import { type ServerProcess, startServerProcess } from '../../../../../testing/process.ts'
import { until } from '../../../../../testing/until.ts'
import { type SmtpSink, startSmtpSink } from './smtp-sink.ts'

const messages = 1_200
const connections = 4
/** After a change of the mode, before and while what waits is woken. */
const killsAfterMs = [0, 300, 900]

let database: TestDatabase
let sink: SmtpSink
let server: ServerProcess

beforeAll(async () => {
  database = await createTestDatabase()
  sink = await startSmtpSink()
  server = await startServerProcess({
    env: {
      DATABASE_URL: database.url,
      FAIRWAY_SMTP_URL: `smtp://127.0.0.1:${sink.port}?connections=${connections}`,
    },
  })
})
afterAll(async () => {
  await server.dispose()
  await sink.close()
  await database.drop()
})

test('kill -9 between a change of the mode and the waking of what waits: all of it leaves, nothing twice', async () => {
  const created = JSON.parse(await server.cli('project', 'create', 'Crash', '--json'))
  const project = created.project.id as number
  // Put aside in test mode: no job is left of them.
  await database.pool.query(
    `insert into messages (project_id, id, cause, class, input, live, waits_for, reason)
     select $1, gen_random_uuid(), 'test:' || n, 'transactional',
       jsonb_build_object('to', jsonb_build_array('p' || n || '@x.example'), 'mail', $3::jsonb), true, 'live', 'test mode'
     from generate_series(1, $2) as n`,
    [
      project,
      messages,
      JSON.stringify({ from: 'shop@shop.example', subject: 'Hello', html: '<p>Hello</p>' }),
    ],
  )
  const switchTo = (mode: string) =>
    fetch(`${server.url}/api/v1/projects/${project}/settings`, {
      method: 'PATCH',
      headers: { authorization: `Bearer ${created.secretKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ mode }),
    }).then(({ status }) => expect(status).toBe(200))

  for (const [round, afterMs] of killsAfterMs.entries()) {
    await switchTo(round === 1 ? 'test' : 'live')
    await sleep(afterMs)
    await server.kill()
    await server.restart()
  }
  await until(async () => (await count(`state in ('pending', 'claimed')`)) === 0)

  const arrived = sink.mails.map(({ to }) => to[0]!)
  expect(new Set(arrived).size).toBe(arrived.length)
  expect(await count(`state in ('sent', 'unknown')`)).toBe(messages)
  expect(await count(`state = 'unknown'`)).toBeLessThanOrEqual(killsAfterMs.length * connections * 2)
  const { rows } = await database.pool.query(
    'select woken_version, sending_version from projects where id = $1',
    [project],
  )
  expect(rows[0].woken_version).toBe(rows[0].sending_version)
}, 480_000)

async function count(condition: string): Promise<number> {
  const { rows } = await database.pool.query<{ count: number }>(
    `select count(*) from messages where ${condition}`,
  )
  return rows[0]!.count
}

import { createQueue, postgresStore } from '@fairway/queue'
import pg from 'pg'
import { pino } from 'pino'
import { afterAll, expect, it } from 'vitest'
import { createTestDatabase } from '../../../../../testing/postgres.ts'
import { until } from '../../../../../testing/until.ts'
import { Supervisor } from '../../../src/platform/processes/supervisor.ts'

const closers: (() => Promise<unknown>)[] = []
afterAll(async () => {
  for (const close of closers.reverse()) await close()
})

it('a job that hangs its process becomes a dead letter that says so, and none of its neighbours does', async () => {
  const database = await createTestDatabase()
  closers.push(() => database.drop())
  const pool = new pg.Pool({ connectionString: database.url, max: 2 })
  closers.push(() => pool.end())
  await pool.query('create table done (id text)')
  const queue = createQueue({ store: postgresStore({ connectionString: database.url }) })
  closers.push(() => queue.close())
  await queue.migrate()
  const good = ['a', 'b'].flatMap((tenant) =>
    Array.from({ length: 50 }, (_, n) => ({
      lane: 'work',
      tenant,
      name: 'good',
      id: `${tenant}${n}`,
      data: n,
    })),
  )
  await queue.addMany([
    ...good.slice(0, 50),
    { lane: 'work', tenant: 'a', name: 'poison', data: 0 },
    ...good.slice(50),
  ])

  const supervisor = new Supervisor({
    plans: [
      {
        role: 'worker',
        program: new URL('./poison-worker.ts', import.meta.url),
        execArgv: ['--import', 'tsx', '--conditions=source'],
        args: [database.url],
        env: process.env,
      },
    ],
    log: pino({ level: 'silent' }),
    register: { write() {}, remove() {} },
    patience: { silentMs: 2_000 },
  })
  closers.push(() => supervisor.stop())
  await supervisor.started()

  const [dead] = await until(async () => {
    const letters = await queue.deadLetters()
    return letters.length > 0 && letters
  })
  expect(dead).toMatchObject({
    name: 'poison',
    attempts: 5,
    reason: 'its worker died or lost its lease 5 times while holding it',
  })
  await until(async () => (await pool.query('select distinct id from done')).rowCount === good.length)
  expect(await queue.deadLetters()).toHaveLength(1)
  expect(supervisor.states()[0]!.replaced).toBeGreaterThanOrEqual(5)
})

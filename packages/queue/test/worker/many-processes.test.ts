import { type ChildProcess, fork } from 'node:child_process'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../../testing/postgres.ts'
import { createQueue, postgresStore, type Queue } from '../../src/index.ts'

let database: TestDatabase
let queue: Queue
const workers = new Set<ChildProcess>()

beforeAll(async () => {
  database = await createTestDatabase({ migrate: false })
  await database.pool.query('create table runs (id integer, pid integer)')
  queue = createQueue({ store: postgresStore({ connectionString: database.url }) })
  await queue.migrate()
})
afterAll(async () => {
  for (const worker of workers) worker.kill('SIGKILL')
  await queue.close()
  await database.drop()
})

async function startWorker(): Promise<ChildProcess> {
  const worker = fork(new URL('./many-processes-worker.ts', import.meta.url), [database.url], {
    execArgv: ['--import', 'tsx', '--conditions=source'],
  })
  workers.add(worker)
  await new Promise((resolve) => worker.once('message', resolve))
  return worker
}

const count = async (what: string) =>
  Number((await database.pool.query(`select count(distinct ${what}) as count from runs`)).rows[0].count)

it('eight processes share the work without a leader; some die, one joins, nothing is lost', async () => {
  let total = 8_000
  const started = await Promise.all(Array.from({ length: 7 }, startWorker))
  const add = async (from: number, to: number) => {
    for (let at = from; at < to; at += 100)
      await queue.addMany(
        Array.from({ length: 100 }, (_, n) => ({
          lane: 'work',
          tenant: `t${n % 8}`,
          name: 'job',
          data: at + n,
        })),
      )
  }
  await add(0, total / 2)
  while ((await count('pid')) < 7) await new Promise((resolve) => setTimeout(resolve, 10))
  for (const dying of started.slice(0, 2)) {
    dying.kill('SIGKILL')
    workers.delete(dying)
  }
  const joining = await startWorker()
  // Added bit by bit, so that there is something for everybody, whoever is fastest.
  for (let at = total / 2; at < total; at += 500) {
    await add(at, at + 500)
    while ((await count('id')) < at / 2) await new Promise((resolve) => setTimeout(resolve, 10))
  }
  // However the others hurried, the one that joined gets its share of what comes.
  while ((await count('pid')) < 8) {
    await add(total, total + 100)
    total += 100
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  while ((await count('id')) < total) await new Promise((resolve) => setTimeout(resolve, 20))
  const { rows } = await database.pool.query<{ pid: number; jobs: number }>(
    'select pid, count(*)::int as jobs from runs group by pid',
  )
  expect(rows).toHaveLength(8)
  expect(rows.find(({ pid }) => pid === joining.pid)!.jobs).toBeGreaterThan(0)
  expect(await queue.deadLetters()).toEqual([])
}, 180_000)

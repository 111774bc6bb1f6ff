import { type ChildProcess, fork } from 'node:child_process'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../../testing/postgres.ts'
import { createQueue, postgresStore, type Queue } from '../../src/index.ts'

let database: TestDatabase
let queue: Queue
const workers = new Set<ChildProcess>()

beforeAll(async () => {
  database = await createTestDatabase({ migrate: false })
  await database.pool.query('create table runs (id integer)')
  queue = createQueue({ store: postgresStore({ connectionString: database.url }) })
  await queue.migrate()
})
afterAll(async () => {
  for (const worker of workers) worker.kill('SIGKILL')
  await queue.close()
  await database.drop()
})

async function startWorker(): Promise<ChildProcess> {
  const worker = fork(new URL('./crash-worker.ts', import.meta.url), [database.url], {
    execArgv: ['--import', 'tsx', '--conditions=source'],
  })
  workers.add(worker)
  await new Promise((resolve) => worker.once('message', resolve))
  return worker
}

it('loses nothing when workers are killed at random moments, and repeats only what was in their hands', async () => {
  const total = 20_000
  const kills = 12
  const random = mulberry32(20_26)
  const done = async () =>
    Number((await database.pool.query('select count(distinct id) from runs')).rows[0].count)
  let added = 0
  const produce = async () => {
    for (; added < total; added += 100) {
      await queue.addMany(
        Array.from({ length: 100 }, (_, n) => ({
          lane: 'work',
          tenant: `t${n % 5}`,
          name: 'job',
          data: added + n,
        })),
      )
      // Spread the work over the kills: produce no faster than it is worked off.
      while (added - (await done()) > total / kills) await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }
  const producing = produce()
  let [one, two] = await Promise.all([startWorker(), startWorker()])
  for (let kill = 0; kill < kills; kill++) {
    const from = await done()
    // A random amount of progress, so that the kill falls into claims, handlers and settlements alike.
    const goal = Math.min(total - 1, from + Math.floor((random() * total) / kills))
    while ((await done()) < goal) await new Promise((resolve) => setTimeout(resolve, 2))
    one.kill('SIGKILL')
    workers.delete(one)
    ;[one, two] = [two, await startWorker()]
  }
  await producing
  while ((await done()) < total) await new Promise((resolve) => setTimeout(resolve, 20))
  const { rows } = await database.pool.query(
    'select count(*)::int as runs, count(distinct id)::int as jobs from runs',
  )
  expect(rows[0].jobs).toBe(total)
  // At most what a killed worker had claimed may run again: its prefetch, far below everything.
  expect(rows[0].runs - total).toBeLessThan(total / 2)
  expect(await queue.deadLetters()).toEqual([])
}, 180_000)

/** Small seeded generator, so that a failure can be run again. */
function mulberry32(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

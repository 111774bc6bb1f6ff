import { afterEach, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../../../testing/postgres.ts'
import { until } from '../../../../../testing/until.ts'
import {
  createQueue,
  type Job,
  type MovableStore,
  memoryStore,
  type Queue,
  type Store,
} from '../../../src/index.ts'
import { job, lanes } from '../../worker-support.ts'
import { anotherProcess } from './harness.ts'

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

/** Two stores, and as many processes on them as asked for. */
async function place() {
  const database: TestDatabase = await createTestDatabase({ migrate: false })
  closers.push(() => database.drop())
  const memory: Store = memoryStore()
  // A process that closes must not close the memory that all share.
  const close = memory.close.bind(memory)
  closers.push(close)
  memory.close = async () => {}
  return {
    database,
    memory,
    async open(): Promise<{ queue: Queue; store: MovableStore }> {
      const store = anotherProcess(database, memory)
      const queue = createQueue({ store })
      closers.push(() => queue.close())
      await queue.migrate()
      return { queue, store }
    },
  }
}

const arrived = async (store: MovableStore, target: string) => {
  const { phase, target: now } = await store.moveProgress()
  return phase === 'steady' && now === target
}

const range = (count: number) => Array.from({ length: count }, (_, n) => n)

it('moves there and back while producers and workers go on: nothing lost, nothing twice, keys in order', async () => {
  const { open } = await place()
  const processes = await Promise.all([open(), open(), open()])
  const runs = new Map<number, number>()
  const byKey = new Map<string, number[]>()
  const failedOnce = new Set<number>()
  for (const { queue } of processes.slice(0, 2))
    queue.worker(
      {
        job: async ({ data, key, tenant }: Job) => {
          const n = data as number
          await new Promise((resolve) => setTimeout(resolve, Math.random() * 3))
          if (n % 17 === 3 && !failedOnce.has(n)) {
            failedOnce.add(n)
            throw new Error('not yet')
          }
          runs.set(n, (runs.get(n) ?? 0) + 1)
          if (key) byKey.set(`${tenant} ${key}`, [...(byKey.get(`${tenant} ${key}`) ?? []), n])
        },
      },
      { lanes, concurrency: 8, retry: { baseMs: 20, maxMs: 50 } },
    )
  let added = 0
  let adding = true
  const producer = (async () => {
    while (adding) {
      const { queue } = processes[added % 3]!
      await queue.addMany(
        range(10).map((n) => {
          const number = added + n
          // A key's jobs come from one producer after the other: their order is that of adding.
          const more =
            number % 5 === 0 ? { key: `k${(number / 5) % 4}` } : number % 7 === 0 ? { delayMs: 300 } : {}
          return job(`t${number % 6}`, number, more)
        }),
      )
      added += 10
      await new Promise((resolve) => setTimeout(resolve, 4))
    }
  })()
  const { store } = processes[2]!
  for (const target of ['memory', 'postgres', 'memory']) {
    await until(() => runs.size > added / 3)
    await store.move(target)
    await until(() => arrived(store, target))
  }
  adding = false
  await producer
  // A run is noted before it is settled.
  await until(async () => runs.size === added && (await store.remaining()) === 0)
  expect([...runs].filter(([, count]) => count !== 1)).toEqual([])
  for (const numbers of byKey.values()) expect(numbers).toEqual([...numbers].sort((a, b) => a - b))
  expect(byKey.size).toBeGreaterThan(4)
  const { moved, left } = await store.moveProgress()
  expect(moved).toBeGreaterThan(0)
  expect(left).toBe(0)
  expect(await store.remaining()).toBe(0)
}, 120_000)

it('takes everything along: controls, schedules, keys, marks, progress, dead letters, payloads', async () => {
  const { open, memory, database } = await place()
  const { queue, store } = await open()
  const large = 'x'.repeat(100_000)
  await queue.set('slow', { rate: 2, weight: 3, maxJobs: 1_000 })
  await queue.pause({ tenant: 'paused' })
  await queue.pause({ lane: 'other' })
  await queue.schedule('daily', { cron: '0 9 * * *', job: job('cron', 1) })
  await queue.addMany([job('paused', 'p'), { ...job('a', 'o'), lane: 'other' }])
  const [once] = await queue.addMany([job('a', 'once', { dedupe: { key: 'one', windowMs: 3_600_000 } })])
  await queue.addMany([job('later', large, { delayMs: 3_600_000, id: 'later' })])
  await queue.addMany([job('held', large), job('held', 'second', { priority: 2 })])
  await queue.addMany([job('a', 'gone', { id: 'gone', delayMs: 3_600_000 })])
  await queue.cancel([{ lane: 'work', tenant: 'a', id: 'gone' }])
  const dying = queue.worker(
    { job: () => Promise.reject(new Error('boom')) },
    { lanes, retry: { maxAttempts: 1 } },
  )
  await until(async () => (await queue.deadLetters()).length >= 3)
  await dying.close()
  const letters = await queue.deadLetters()
  await queue.addMany(range(1_500).map((n) => job('slow', n)))
  await queue.addMany(range(20).map((n) => job('a', n, { key: 'ordered' })))

  await store.move('memory')
  store.takePart()
  await until(() => arrived(store, 'memory'))

  const postgres = await database.pool.query(`
    select (select count(*) from fairway_queue.pages) + (select count(*) from fairway_queue.scheduled) +
      (select count(*) from fairway_queue.dead_letters) + (select count(*) from fairway_queue.unique_keys) +
      (select count(*) from fairway_queue.schedules) + (select count(*) from fairway_queue.cancelled) +
      (select count(*) from fairway_queue.blobs) as left`)
  expect(Number(postgres.rows[0].left)).toBe(0)
  expect(await memory.controls('slow')).toEqual({ rate: 2, weight: 3, maxJobs: 1_000 })
  expect(await memory.controls('paused')).toEqual({ paused: true })
  expect((await memory.stats()).find(({ lane }) => lane === 'other')!.paused).toBe(true)
  expect((await queue.schedules()).map(({ id }) => id)).toEqual(['daily'])
  const here = await queue.deadLetters()
  const told = (list: typeof letters) => list.map(({ id, reason, data }) => ({ id, reason, data }))
  expect(told(here)).toEqual(told(letters))
  const [again] = await queue.addMany([job('a', 'once', { dedupe: { key: 'one', windowMs: 3_600_000 } })])
  expect(again).toEqual({ id: once!.id, duplicate: true })
  expect(await queue.stats()).toContainEqual(
    expect.objectContaining({ lane: 'work', scheduledJobs: 2, waitingJobs: 1_500 + 20 + 1 }),
  )

  const seen: Job[] = []
  queue.worker({ job: (one) => void seen.push(one) }, { lanes: { work: {}, other: {} } })
  await queue.set('slow', { rate: null })
  await until(() => seen.length >= 1_520)
  expect(seen.filter(({ key }) => key).map(({ data }) => data)).toEqual(range(20))
  expect(seen.some(({ tenant, lane }) => tenant === 'paused' || lane === 'other')).toBe(false)
  await queue.redrive({})
  await queue.resume({ tenant: 'paused' })
  await queue.resume({ lane: 'other' })
  await until(() => seen.length >= 1_522 + letters.length)
  expect(seen.filter(({ tenant }) => tenant === 'held').map(({ data }) => data)).toContain(large)
}, 60_000)

it('brings what transactions add to where the jobs are', async () => {
  const { open, database } = await place()
  const { queue, store } = await open()
  await store.move('memory')
  const seen: unknown[] = []
  queue.worker({ job: ({ data }) => void seen.push(data) }, { lanes })
  await until(() => arrived(store, 'memory'))
  const client = await database.pool.connect()
  await client.query('begin')
  await queue.addIn(client, [job('a', 'committed'), job('a', 'keyed', { key: 'k' })])
  await client.query('commit')
  await client.query('begin')
  await queue.addIn(client, [job('a', 'rolled back')])
  await client.query('rollback')
  client.release()
  await until(() => seen.length === 2)
  await queue.add(job('a', 'last'))
  await until(() => seen.length === 3)
  expect(seen).toEqual(['committed', 'keyed', 'last'])
})

it('refuses what would mix up two queues', async () => {
  const { open, memory } = await place()
  const { store } = await open()
  await expect(store.move('dynamodb')).rejects.toThrow('There is no store dynamodb, only postgres and memory')
  await expect(store.move('postgres')).rejects.toThrow('The jobs are in postgres already')
  await memory.setControls('a', { weight: 2 })
  await expect(store.move('memory')).rejects.toThrow('The target memory is not empty')
  await store.move('memory', { intoUsed: true })
  await expect(store.move('memory')).rejects.toThrow('A move to memory is under way')
  store.takePart()
  await until(() => arrived(store, 'memory'))
})

it('a job that runs for long does not hold up adds; the move ends after it', async () => {
  const { open } = await place()
  const { queue, store } = await open()
  let end = () => {}
  const seen: unknown[] = []
  queue.worker(
    {
      job: async ({ data }) => {
        if (data === 'long') await new Promise<void>((resolve) => (end = resolve))
        seen.push(data)
      },
    },
    { lanes },
  )
  await queue.addMany([job('a', 'long', { key: 'k' }), job('a', 'behind', { key: 'k' })])
  await until(async () => (await queue.stats())[0]?.leasedJobs !== 0)
  await store.move('memory')
  await until(async () => (await store.moveProgress()).phase === 'moving')
  for (const n of range(20)) await queue.add(job('b', n))
  await until(() => seen.length === 20)
  expect((await store.moveProgress()).phase).toBe('moving')
  end()
  await until(() => arrived(store, 'memory'))
  await until(() => seen.length === 22)
  expect(seen.slice(20)).toEqual(['long', 'behind'])
}, 60_000)

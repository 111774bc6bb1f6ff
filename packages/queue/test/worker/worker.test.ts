import { afterEach, describe, expect, it } from 'vitest'
import { createTestDatabase } from '../../../../testing/postgres.ts'
import { until } from '../../../../testing/until.ts'
import {
  createQueue,
  Discard,
  type Job,
  memoryStore,
  postgresStore,
  type Queue,
  Snooze,
  type Store,
} from '../../src/index.ts'

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

const stores: Record<string, () => Promise<Store>> = {
  memory: async () => memoryStore(),
  postgres: async () => {
    const database = await createTestDatabase({ migrate: false })
    closers.push(() => database.drop())
    return postgresStore({ pool: database.pool })
  },
}

describe.each(Object.keys(stores))('worker on the %s store', (kind) => {
  const open = async (): Promise<Queue> => {
    const queue = createQueue({ store: await stores[kind]!() })
    await queue.migrate()
    closers.push(() => queue.close())
    return queue
  }
  const lanes = { work: {} }
  const job = (tenant: string, data: unknown, more = {}) => ({
    lane: 'work',
    tenant,
    name: 'job',
    data,
    ...more,
  })

  it('runs every job once', async () => {
    const queue = await open()
    const seen: unknown[] = []
    queue.worker({ job: ({ data }) => void seen.push(data) }, { lanes })
    await queue.addMany(Array.from({ length: 1_500 }, (_, n) => job(`t${n % 7}`, n)))
    await Promise.all(Array.from({ length: 500 }, (_, n) => queue.add(job('single', 1_500 + n))))
    await until(() => seen.length >= 2_000)
    await until(async () => (await queue.stats()).every((lane) => lane.leasedJobs + lane.waitingJobs === 0))
    expect(seen.sort((a, b) => Number(a) - Number(b))).toEqual(Array.from({ length: 2_000 }, (_, n) => n))
  })

  it('hands a batch handler jobs of one tenant and name', async () => {
    const queue = await open()
    const batches: Job[][] = []
    await queue.addMany(Array.from({ length: 300 }, (_, n) => job(`t${n % 3}`, n)))
    queue.worker({ job: { batch: (jobs) => void batches.push(jobs), maxBatch: 40 } }, { lanes })
    await until(() => batches.flat().length === 300)
    for (const batch of batches) {
      expect(batch.length).toBeLessThanOrEqual(40)
      expect(new Set(batch.map(({ tenant }) => tenant)).size).toBe(1)
    }
    expect(batches.length).toBeLessThanOrEqual(12)
  })

  it('retries failures with growing attempts, and buries the last', async () => {
    const queue = await open()
    const attempts: number[] = []
    queue.worker(
      {
        job: ({ attempt }) => {
          attempts.push(attempt)
          throw new Error(`failed at ${attempt}`)
        },
      },
      { lanes, retry: { maxAttempts: 3, baseMs: 1 } },
    )
    await queue.add(job('a', 1, { id: 'mine' }))
    await until(async () => (await queue.deadLetters()).length === 1)
    expect(attempts).toEqual([1, 2, 3])
    expect((await queue.deadLetters())[0]).toMatchObject({
      id: 'mine',
      attempts: 3,
      reason: 'failed at 3',
      data: 1,
    })
  })

  it('settles single jobs of a batch in their own way', async () => {
    const queue = await open()
    const runs: string[] = []
    let snoozed = false
    queue.worker(
      {
        job: {
          batch: (jobs, context) => {
            for (const one of jobs) {
              runs.push(`${one.data}:${one.attempt}`)
              if (one.data === 'retry' && one.attempt === 1) context.retry(one, 'again')
              if (one.data === 'snooze' && !snoozed) {
                snoozed = true
                context.snooze(one, 1)
              }
              if (one.data === 'bury') context.bury(one, 'hopeless')
            }
          },
        },
      },
      { lanes, retry: { baseMs: 1 } },
    )
    await queue.addMany(['fine', 'retry', 'snooze', 'bury'].map((data) => job('a', data)))
    await until(() => runs.length === 6)
    expect(runs.sort()).toEqual(['bury:1', 'fine:1', 'retry:1', 'retry:2', 'snooze:1', 'snooze:1'])
    await until(async () => (await queue.deadLetters()).length === 1)
    expect((await queue.deadLetters())[0]).toMatchObject({ data: 'bury', reason: 'hopeless', attempts: 1 })
  })

  it('knows Snooze and Discard from single handlers', async () => {
    const queue = await open()
    let runs = 0
    queue.worker(
      {
        job: () => {
          if (++runs === 1) throw new Snooze(1)
          throw new Discard('never')
        },
      },
      { lanes },
    )
    await queue.add(job('a', 1))
    await until(async () => (await queue.deadLetters()).length === 1)
    expect(runs).toBe(2)
    expect((await queue.deadLetters())[0]!.attempts).toBe(1)
  })

  it('runs delayed jobs, later ones later', async () => {
    const queue = await open()
    const order: unknown[] = []
    queue.worker({ job: ({ data }) => void order.push(data) }, { lanes })
    await queue.addMany([
      job('a', 'late', { delayMs: 400 }),
      job('a', 'soon', { delayMs: 60 }),
      job('a', 'now'),
    ])
    await until(() => order.length === 3)
    expect(order).toEqual(['now', 'soon', 'late'])
  })

  it('lets a quiet tenant pass a flood that was there first', async () => {
    const queue = await open()
    const order: string[] = []
    let release = () => {}
    const gate = new Promise<void>((resolve) => {
      release = resolve
    })
    queue.worker(
      {
        job: async ({ tenant }) => {
          if (order.length === 0) await gate
          order.push(tenant)
        },
      },
      { lanes, concurrency: 1 },
    )
    await queue.addMany(Array.from({ length: 5_000 }, () => job('noisy', 'x'.repeat(100))))
    await until(async () => (await queue.stats())[0]!.leasedJobs > 0)
    await until(() => queue.memory().prefetch!.used > 0)
    const held = queue.memory().prefetch!.used
    await queue.add(job('quiet', 1))
    await until(async () => (await queue.tenants()).every(({ tenant }) => tenant !== 'quiet'))
    // Claimed is not yet in the worker's hands.
    await until(() => queue.memory().prefetch!.used > held)
    release()
    await until(() => order.includes('quiet'))
    expect(order.indexOf('quiet')).toBeLessThanOrEqual(2)
  })

  it('keeps reserved slots free for their lane', async () => {
    const queue = await open()
    let bulkRunning = 0
    let most = 0
    let urgent = false
    let release = () => {}
    const gate = new Promise<void>((resolve) => {
      release = resolve
    })
    queue.worker(
      {
        slow: async () => {
          most = Math.max(most, ++bulkRunning)
          await gate
        },
        urgent: () => {
          urgent = true
        },
      },
      { lanes: { bulk: {}, transactional: { reserved: 0.25 } }, concurrency: 8 },
    )
    await queue.addMany(
      Array.from({ length: 50 }, (_, n) => ({ lane: 'bulk', tenant: `t${n}`, name: 'slow', data: n })),
    )
    await until(() => bulkRunning === 6)
    await queue.add({ lane: 'transactional', tenant: 'a', name: 'urgent', data: 1 })
    await until(() => urgent)
    expect(most).toBe(6)
    release()
  })

  it('keeps spare slots of a lane free of a tenant that holds the others', async () => {
    const queue = await open()
    const running: string[] = []
    let release = () => {}
    const gate = new Promise<void>((resolve) => {
      release = resolve
    })
    queue.worker(
      {
        job: async ({ tenant }) => {
          running.push(tenant)
          await gate
        },
      },
      { lanes: { work: { slots: 4, spare: 1 } }, concurrency: 8 },
    )
    await queue.addMany(Array.from({ length: 10 }, (_, n) => job('noisy', n)))
    await until(() => running.length === 3)
    await queue.addMany([job('quiet', 1), job('other', 1)])
    await until(() => running.length === 4)
    expect(running.filter((tenant) => tenant === 'noisy')).toHaveLength(3)
    release()
    await until(() => running.length === 12)
  })

  it('times out a handler that hangs, tells it, and retries the job', async () => {
    const queue = await open()
    let aborted = false
    const attempts: number[] = []
    queue.worker(
      {
        job: async ({ attempt }, { signal }) => {
          attempts.push(attempt)
          if (attempt > 1) return
          signal.addEventListener('abort', () => {
            aborted = true
          })
          await new Promise(() => {})
        },
      },
      { lanes, timeoutMs: 50, retry: { baseMs: 1 } },
    )
    await queue.add(job('a', 1))
    await until(() => attempts.length === 2)
    expect(aborted).toBe(true)
    expect(attempts).toEqual([1, 2])
  })

  it('gives back what it did not start when it closes', async () => {
    const queue = await open()
    let started = 0
    const worker = queue.worker(
      { job: () => new Promise((resolve) => setTimeout(resolve, 20, started++)) },
      { lanes, concurrency: 2 },
    )
    await queue.addMany(Array.from({ length: 200 }, (_, n) => job('a', n)))
    await until(() => started > 4)
    await worker.close()
    const before = started
    const rest: number[] = []
    queue.worker({ job: ({ attempt }) => void rest.push(attempt) }, { lanes })
    await until(() => before + rest.length === 200)
    expect(new Set(rest)).toEqual(new Set([1]))
  })

  it('refuses what breaks the limits, naming the field', async () => {
    const queue = await open()
    await expect(queue.add(job('', 1))).rejects.toMatchObject({ code: 'QUEUE_INVALID_JOB', field: 'tenant' })
    await expect(queue.add(job('a', 'x'.repeat(1_100_000)))).rejects.toMatchObject({ field: 'data' })
    await expect(queue.add(job('a', 1n))).rejects.toMatchObject({ field: 'data' })
    await expect(queue.add(job('a', 1, { runAt: new Date(Number.NaN) }))).rejects.toMatchObject({
      field: 'runAt',
    })
  })

  it('refuses new work when its intake is full, and takes it again afterwards', async () => {
    const queue = createQueue({ store: await stores[kind]!(), intakeBytes: 2_000 })
    await queue.migrate()
    closers.push(() => queue.close())
    const results = await Promise.allSettled(
      Array.from({ length: 100 }, (_, n) => queue.add(job('a', `${n}`.padEnd(100)))),
    )
    const refused = results.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[]
    expect(refused.length).toBeGreaterThan(0)
    expect(refused[0]!.reason).toMatchObject({ code: 'QUEUE_OVERLOADED', retryAfterMs: 1_000 })
    await queue.add(job('a', 'later'))
    expect((await queue.stats())[0]!.waitingJobs).toBe(101 - refused.length)
  })
})

describe('transactional adds', () => {
  it('exist if and only if the transaction commits', async () => {
    const database = await createTestDatabase({ migrate: false })
    closers.push(() => database.drop())
    const queue = createQueue({ store: postgresStore({ pool: database.pool }) })
    await queue.migrate()
    closers.push(() => queue.close())
    const seen: unknown[] = []
    queue.worker({ job: ({ data }) => void seen.push(data) }, { lanes: { work: {} } })
    for (const [data, end] of [
      ['kept', 'commit'],
      ['dropped', 'rollback'],
      ['kept too', 'commit'],
    ] as const) {
      const client = await database.pool.connect()
      await client.query('begin')
      await queue.addIn(client, [{ lane: 'work', tenant: 'a', name: 'job', data }])
      await client.query(end)
      client.release()
    }
    await until(() => seen.length === 2)
    expect(seen.sort()).toEqual(['kept', 'kept too'])
    await until(async () => (await queue.stats()).every((lane) => lane.leasedJobs + lane.scheduledJobs === 0))
  })

  it('wakes workers in other processes', async () => {
    const database = await createTestDatabase({ migrate: false })
    closers.push(() => database.drop())
    const open = () => {
      const queue = createQueue({ store: postgresStore({ connectionString: database.url }) })
      closers.push(() => queue.close())
      return queue
    }
    const [producer, consumer] = [open(), open()]
    await producer.migrate()
    const seen: unknown[] = []
    consumer.worker({ job: ({ data }) => void seen.push(data) }, { lanes: { work: {} } })
    for (let n = 0; n < 20; n++) {
      await producer.add({ lane: 'work', tenant: 'a', name: 'job', data: n })
      await until(() => seen.length === n + 1)
    }
  })
})

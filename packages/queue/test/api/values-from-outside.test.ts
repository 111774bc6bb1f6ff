import { describe, expect, it } from 'vitest'
import { until } from '../../../../testing/until.ts'
import { createQueue, memoryStore, postgresStore, type Queue, Snooze } from '../../src/index.ts'
import { job, kinds, lanes, openJobs } from '../worker-support.ts'

/** Options, and all that handlers can hand back: judged where they come in, so that nothing is parked, lost or ends the process. */
const none = undefined as never
const worker = (options: object, handlers = {}) => {
  const queue = createQueue({ store: memoryStore() })
  return () => queue.worker(handlers, { lanes, ...options })
}
const broken: Record<string, () => unknown> = {
  concurrency: worker({ concurrency: Number.NaN }),
  leaseMs: worker({ leaseMs: Number.POSITIVE_INFINITY }),
  timeoutMs: worker({ timeoutMs: '5000' }),
  prefetchBytes: worker({ prefetchBytes: 0 }),
  payloadBytes: worker({ payloadBytes: Number.NaN }),
  'retry.maxAttempts': worker({ retry: { maxAttempts: 0 } }),
  'retry.baseMs': worker({ retry: { baseMs: Number.NaN } }),
  'retry.maxMs': worker({ retry: { maxMs: -1 } }),
  lanes: worker({ lanes: {} }),
  'lanes.work.weight': worker({ lanes: { work: { weight: 0 } } }),
  'lanes.work.reserved': worker({ lanes: { work: { reserved: 2 } } }),
  'lanes.work.slots': worker({ lanes: { work: { slots: Number.NaN } } }),
  'lanes.work.spare': worker({ lanes: { work: { spare: 0.5 } } }),
  'lanes.work.yields': worker({ lanes: { work: { yields: 'some' } } }),
  'handlers.job': worker({}, { job: 'run' }),
  'handlers.job.maxBatch': worker({}, { job: { batch: () => {}, maxBatch: 0 } }),
  intakeBytes: () => createQueue({ store: memoryStore(), intakeBytes: Number.NaN }),
  storeBytes: () => createQueue({ store: memoryStore(), storeBytes: '1' as never }),
  'retention.maxAgeMs': () => createQueue({ store: memoryStore(), retention: { maxAgeMs: Number.NaN } }),
  'retention.maxBytes': () => createQueue({ store: memoryStore(), retention: { maxBytes: -1 } }),
  'quotas.maxJobs': () => memoryStore({ quotas: { maxJobs: Number.NaN } }),
  'quotas.maxBytes': () => postgresStore({ connectionString: 'postgres://x/y', quotas: { maxBytes: 0.5 } }),
  schema: () => postgresStore({ connectionString: 'postgres://x/y', schema: 'x"; drop' }),
  connectionString: () => postgresStore({}),
}

it.each(Object.entries(broken))('the option %s is refused by name', (option, make) => {
  expect(make).toThrowError(expect.objectContaining({ code: 'QUEUE_INVALID_OPTION', option }))
})

it('undefined stands for the default, wherever it stands', async () => {
  const queue = createQueue({
    store: memoryStore({ quotas: { maxJobs: none } }),
    intakeBytes: none,
    retention: { maxAgeMs: none, maxBytes: none },
  })
  const attempts: number[] = []
  const retry = { maxAttempts: none, baseMs: 0, maxMs: none }
  queue.worker({ job: failUntil(attempts, 3) }, { lanes, concurrency: none, leaseMs: none, retry })
  await queue.add(job('a', 1))
  await until(() => attempts.length === 3)
  expect(await queue.deadLetters()).toEqual([])
  await queue.close()
})

const failUntil =
  (attempts: number[], last: number) =>
  ({ attempt }: { attempt: number }) => {
    attempts.push(attempt)
    if (attempt < last) throw new Error('again')
  }

it.each([
  ['delayMs', { delayMs: Number.NaN }],
  ['delayMs', { delayMs: '5' as never }],
  ['delayMs', { delayMs: Number.POSITIVE_INFINITY }],
  ['runAt', { runAt: new Date(Number.NaN) }],
  ['runAt', { runAt: '2026-01-01' as never }],
  ['deadline', { deadline: 5 as never }],
  ['dedupe.windowMs', { dedupe: { key: 'k', windowMs: '5' as never } }],
])('a job with a wrong %s is refused', async (field, wrong) => {
  const queue = createQueue({ store: memoryStore() })
  await expect(queue.add(job('a', 1, wrong))).rejects.toMatchObject({ code: 'QUEUE_INVALID_JOB', field })
  await queue.close()
})

it('arguments of calls are judged too', async () => {
  const queue = createQueue({ store: memoryStore() })
  const refused = { code: 'QUEUE_INVALID_OPTION' }
  await expect(queue.tenants(Number.NaN)).rejects.toMatchObject(refused)
  await expect(queue.deadLetters({ limit: 0 })).rejects.toMatchObject(refused)
  await expect(queue.redrive({}, { perSecond: Number.NaN })).rejects.toMatchObject(refused)
  await expect(queue.set('a', { weight: '5' as never })).rejects.toMatchObject({ field: 'weight' })
  await expect(queue.set('a', { constructor: 1 } as never)).rejects.toMatchObject({ field: 'constructor' })
  for (const everyMs of [Number.NaN, Number.POSITIVE_INFINITY, '5000' as never])
    await expect(queue.schedule('s', { everyMs, job: job('a', 1) })).rejects.toMatchObject({
      field: 'everyMs',
    })
  await queue.close()
})

describe.each(kinds)('%s', (kind) => {
  it.each(['constructor', '__proto__', 'toString', 'hasOwnProperty'])(
    'a job named %s without a handler dies with that reason instead of being lost',
    async (name) => {
      const queue = await (await openJobs(kind)).open()
      queue.worker({}, { lanes, retry: { maxAttempts: 1 } })
      await queue.add(job('a', { kept: true }, { name }))
      const [letter] = await deadLetters(queue, 1)
      expect(letter).toMatchObject({ name, data: { kept: true } })
      expect(letter!.reason).toContain('no handler is registered')
    },
  )

  it.each([Number.NaN, Number.POSITIVE_INFINITY, undefined, '5', 10n])(
    'a snooze of %s is a failure that says so, and a later run goes on',
    async (delayMs) => {
      const queue = await (await openJobs(kind)).open()
      queue.worker(
        {
          single: () => {
            throw new Snooze(delayMs as never)
          },
          batch: { batch: (jobs, context) => context.snooze(jobs[0]!, delayMs as never) },
        },
        { lanes, retry: { maxAttempts: 2, baseMs: 0 } },
      )
      await queue.addMany([job('a', 1, { name: 'single' }), job('a', 1, { name: 'batch' })])
      for (const { attempts, reason } of await deadLetters(queue, 2)) {
        expect(attempts).toBe(2)
        expect(reason).toContain('a snooze needs a number of milliseconds')
      }
    },
  )

  it('a snooze that is over already runs at once', async () => {
    const queue = await (await openJobs(kind)).open()
    let runs = 0
    queue.worker(
      {
        job: () => {
          if (++runs === 1) throw new Snooze(-5_000)
        },
      },
      { lanes },
    )
    await queue.add(job('a', 1))
    await until(() => runs === 2)
  })

  it('a pause that is no number is refused to the handler', async () => {
    const queue = await (await openJobs(kind)).open()
    queue.worker(
      { job: (_, context) => void context.rateLimited(Number.NaN) },
      { lanes, retry: { maxAttempts: 1 } },
    )
    await queue.add(job('a', 1))
    expect((await deadLetters(queue, 1))[0]!.reason).toContain('ms must be a number')
  })

  it('whatever is thrown becomes a reason, and the process lives', async () => {
    const queue = await (await openJobs(kind)).open()
    const thrown: Record<string, () => unknown> = {
      objectAsMessage: () => Object.assign(new Error('x'), { message: { status: 503 } }),
      throwingMessage: () =>
        Object.defineProperty(new Error('x'), 'message', {
          get() {
            throw new Error('no')
          },
        }),
      bare: () => Object.create(null),
      symbol: () => Symbol('s'),
      nothing: () => undefined,
      zero: () => 0,
      nul: () => new Error('a\u0000b'),
      hostile: () => ({
        [Symbol.for('nodejs.util.inspect.custom')]() {
          throw new Error('no')
        },
      }),
    }
    const handlers = Object.fromEntries(
      Object.entries(thrown).flatMap(([name, make]) => [
        [name, () => Promise.reject(make())],
        [`${name}InBatch`, { batch: (jobs: never[], context: never) => retryAndBury(jobs, context, make()) }],
      ]),
    )
    queue.worker(handlers as never, { lanes, retry: { maxAttempts: 1 } })
    await queue.addMany(Object.keys(handlers).map((name) => job('a', 1, { name })))
    const letters = await deadLetters(queue, Object.keys(handlers).length)
    const reasons = Object.fromEntries(letters.map(({ name, reason }) => [name, reason]))
    expect(reasons.objectAsMessage).toBe('{ status: 503 }')
    expect(reasons.nul).toBe('ab')
    expect(reasons.zero).toBe('0')
    for (const name of ['throwingMessage', 'hostile'])
      expect(reasons[name]).toBe('an error that can not be shown as text')
  })

  it('progress that is no JSON is told and keeps nobody else from being shown', async () => {
    const queue = await (await openJobs(kind)).open()
    const errors: unknown[] = []
    let end = () => {}
    const ended = new Promise<void>((resolve) => {
      end = resolve
    })
    const circular: Record<string, unknown> = {}
    circular.self = circular
    const odd = { big: 10n, circular, nothing: undefined, huge: 'x'.repeat(100_000) }
    const seen: string[] = []
    const running = queue.worker(
      {
        job: async (one, context) => {
          const value = { done: 5 }
          const refused = odd[one.id as keyof typeof odd]
          context.progress(one, (one.id in odd ? refused : value) as never)
          value.done = 99
          seen.push(one.id)
          await ended
        },
      },
      { lanes, timeoutMs: 60_000 },
    )
    running.on('error', (error) => errors.push(error))
    const ids = [...Object.keys(odd), 'good']
    await queue.addMany(ids.map((id) => job('a', 1, { id })))
    await until(() => seen.length === ids.length)
    expect(await until(() => queue.progress('good'))).toEqual({ done: 5 })
    expect(await queue.progress('big')).toBeUndefined()
    expect(errors).toHaveLength(4)
    end()
    await until(async () => (await queue.stats()).every(({ leasedJobs }) => leasedJobs === 0))
    expect(await queue.deadLetters()).toEqual([])
  })

  it('an observer that throws costs no job', async () => {
    const queue = await (await openJobs(kind)).open()
    const errors: unknown[] = []
    let runs = 0
    const observe = () => {
      throw new Error('observer')
    }
    queue.worker({ job: () => void runs++ }, { lanes, observe }).on('error', (error) => errors.push(error))
    await queue.addMany([job('a', 1), job('b', 1)])
    await until(() => runs === 2 && errors.length === 2)
  })
})

type Batch = { id: string }[]
type Context = { retry(job: unknown, reason: unknown): void; bury(job: unknown, reason: unknown): void }

function retryAndBury(jobs: Batch, context: Context, reason: unknown) {
  context.retry(jobs[0], reason)
  context.bury(jobs[0], reason)
}

async function deadLetters(queue: Queue, count: number) {
  return until(async () => {
    const letters = await queue.deadLetters()
    return letters.length === count && letters
  })
}

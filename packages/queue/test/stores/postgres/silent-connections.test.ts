import { expect, it, onTestFinished } from 'vitest'
import { createTestDatabase } from '../../../../../testing/postgres.ts'
import { openSilentProxy } from '../../../../../testing/silent-proxy.ts'
import { until } from '../../../../../testing/until.ts'
import { createQueue, postgresStore, QueueUnavailable } from '../../../src/index.ts'
import { job, lanes } from '../../worker-support.ts'

/** Connections that stay open and bring no answer: a router forgot them, or the server behind them is frozen. */
async function openSilenceable(statementTimeoutMs: number) {
  const database = await createTestDatabase({ migrate: false })
  const proxy = await openSilentProxy(database.url)
  const open = (connectionString: string) =>
    createQueue({ store: postgresStore({ connectionString, statementTimeoutMs }) })
  const queue = open(proxy.url)
  const direct = open(database.url)
  // Its deadlines are short, and a busy machine is not what is tested.
  await until(() =>
    queue.migrate().then(
      () => true,
      () => false,
    ),
  )
  onTestFinished(async () => {
    await proxy.close()
    await queue.close()
    await direct.close()
    await database.drop()
  })
  return { proxy, queue, direct }
}

it('adds on connections that went silent are refused, and the next ones are stored over new connections', async () => {
  const { proxy, queue, direct } = await openSilenceable(300)
  await queue.addMany(['a', 'b', 'c'].map((tenant) => job(tenant, 0)))
  proxy.forget()
  const ends = await Promise.allSettled(
    Array.from({ length: 134 }, (_, n) => queue.add(job(`tenant ${n}`, n))),
  )
  const refused = ends.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[]
  expect(refused.length).toBeGreaterThan(0)
  for (const { reason } of refused) {
    expect(reason).toBeInstanceOf(QueueUnavailable)
    expect(reason.retryAfterMs).toBeGreaterThan(0)
  }
  await until(() => queue.add(job('after', 1)).catch(() => undefined))
  const stored = (await direct.stats()).reduce((sum, { waitingJobs }) => sum + waitingJobs, 0)
  expect(stored).toBeGreaterThanOrEqual(3 + 134 - refused.length + 1)
})

it('a frozen server is seen by ping, refuses adds within the deadlines, and is used again when it is back', async () => {
  const { proxy, queue } = await openSilenceable(300)
  await queue.add(job('a', 0))
  proxy.freeze()
  await expect(queue.ping()).rejects.toBeInstanceOf(QueueUnavailable)
  await expect(queue.add(job('a', 1))).rejects.toBeInstanceOf(QueueUnavailable)
  await expect(queue.addMany([job('a', 2, { key: 'k' })])).rejects.toBeInstanceOf(QueueUnavailable)
  proxy.thaw()
  await until(() =>
    queue.ping().then(
      () => true,
      () => false,
    ),
  )
  await until(() => queue.add(job('a', 3)).catch(() => undefined))
})

it('ping tells of statements without an answer even if new ones are answered', async () => {
  const { proxy, queue } = await openSilenceable(1_000)
  const looks = () => Promise.allSettled([queue.stats(), queue.stats()])
  await looks()
  proxy.forget()
  const unanswered = looks()
  await until(() =>
    queue.ping().then(
      () => false,
      ({ message }) => /has not answered a statement for \d+ s/.test(message),
    ),
  )
  expect(await unanswered).toMatchObject([{ status: 'rejected' }, { status: 'rejected' }])
  await until(() =>
    queue.ping().then(
      () => true,
      () => false,
    ),
  )
})

it('a settlement without an answer ends the session: handlers are told, and all its jobs run elsewhere', async () => {
  const { proxy, direct } = await openSilenceable(60_000)
  const store = postgresStore({ connectionString: proxy.url })
  // Which of its connections a statement gets is the pool's business: here the settlement gets the silent one.
  const settle = store.settle.bind(store)
  let silent = false
  store.settle = (settlement) => (silent ? new Promise(() => {}) : settle(settlement))
  const queue = createQueue({ store })
  onTestFinished(() => queue.close())
  await direct.addMany([job('a', 'ends'), job('b', 'goes on')])
  let end = () => {}
  const ending = new Promise<void>((resolve) => {
    end = resolve
  })
  const started: unknown[] = []
  const aborted: unknown[] = []
  const stalled: number[] = []
  const cut = queue.worker(
    {
      job: async ({ data }, { signal }) => {
        started.push(data)
        if (data === 'ends') return ending
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
        aborted.push(data)
      },
    },
    { lanes, leaseMs: 1_000, concurrency: 4 },
  )
  cut.on('stalled', (pages) => stalled.push(pages))
  await until(() => started.length === 2)
  silent = true
  end()
  await until(() => aborted.length === 1 && stalled.length > 0)
  await cut.close()
  const ran: { data: unknown; attempt: number }[] = []
  direct.worker({ job: ({ data, attempt }) => void ran.push({ data, attempt }) }, { lanes, leaseMs: 1_000 })
  await until(() => ran.length === 2)
  expect(ran.map(({ data }) => data).sort()).toEqual(['ends', 'goes on'])
  expect(ran.every(({ attempt }) => attempt >= 2)).toBe(true)
})

it('a claim without an answer keeps no work from its worker for longer than the lease', async () => {
  const { proxy, queue, direct } = await openSilenceable(60_000)
  const ran: unknown[] = []
  queue.worker({ job: ({ data }) => void ran.push(data) }, { lanes, leaseMs: 1_000 })
  await direct.add(job('a', 1))
  await until(() => ran.includes(1))
  proxy.forget()
  await direct.add(job('a', 2))
  await until(() => ran.includes(2))
})

it('a server that is frozen for longer than the lease ends what runs, and the worker goes on when it is back', async () => {
  const { proxy, queue, direct } = await openSilenceable(60_000)
  const aborted: number[] = []
  const ran: number[] = []
  queue.worker(
    {
      job: async ({ attempt }, { signal }) => {
        ran.push(attempt)
        if (attempt > 1) return
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
        aborted.push(attempt)
      },
    },
    { lanes, leaseMs: 1_000 },
  )
  await direct.add(job('a', 1))
  await until(() => ran.length === 1)
  proxy.freeze()
  await until(() => aborted.length === 1)
  proxy.thaw()
  await until(() => ran.length === 2)
  expect(ran).toEqual([1, 2])
})

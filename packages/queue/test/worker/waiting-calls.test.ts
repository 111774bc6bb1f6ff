import { describe, expect, it } from 'vitest'
import { until } from '../../../../testing/until.ts'
import type { BatchContext, CallReport, Handlers, JobContext, Queue, Store } from '../../src/index.ts'
import { job, kinds, lanes, openJobs } from '../worker-support.ts'

/** A server that answers when told to. */
function silentServer() {
  const asked: string[] = []
  const answers = new Map<string, () => void>()
  return {
    asked,
    answer: (what: string) => answers.get(what)!(),
    ask: (what: string, signal?: AbortSignal) =>
      new Promise<void>((resolve, reject) => {
        asked.push(what)
        answers.set(what, resolve)
        signal?.addEventListener('abort', () => reject(signal.reason))
      }),
  }
}

/** A worker's way to the store, which can be made to lose its leases. */
function leaseLosing(how: 'hears nothing' | 'was given up') {
  let losing = false
  const through = (store: Store): Store =>
    new Proxy(store, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name)
        if (typeof member !== 'function') return member
        // What it lost it must not get again before the others: it would be its job once more.
        if (name === 'claim') return losing ? async () => [] : member.bind(target)
        if (name !== 'heartbeat') return member.bind(target)
        return async (...[worker, leaseMs, report]: Parameters<Store['heartbeat']>) => {
          if (!losing) return target.heartbeat(worker, leaseMs, report)
          if (how === 'hears nothing') return new Promise(() => {})
          await target.heartbeat(worker, -1_000, report)
          return true
        }
      },
    })
  return {
    through,
    lose: () => {
      losing = true
    },
    heal: () => {
      losing = false
    },
  }
}

const isIdle = async (queue: Queue) =>
  (await queue.stats()).every((lane) => lane.leasedJobs + lane.waitingJobs + lane.scheduledJobs === 0)

describe.each(kinds)('calls that wait for somebody else, on the %s store', (kind) => {
  const open = async () => (await openJobs(kind)).open()

  it('gives its slot to others, and is told of', async () => {
    const queue = await open()
    const server = silentServer()
    const seen: string[] = []
    queue.worker(
      {
        mail: ({ data }, context: JobContext) => context.waitFor(() => server.ask(data as string)),
        job: ({ tenant }) => void seen.push(tenant),
      },
      { lanes, concurrency: 1 },
    )
    await queue.addMany(['a', 'b', 'c'].map((tenant) => job(tenant, tenant, { name: 'mail' })))
    await until(() => server.asked.length === 3)
    await queue.add(job('d', 1))
    await until(() => seen.length === 1)
    await until(async () => (await queue.overview()).lanes[0]?.waitingCalls === 3)
    const [lane] = (await queue.overview()).lanes
    expect(lane!.longestCallMs).toBeGreaterThan(0)
    await until(async () => (await queue.stats())[0]!.leasedJobs === 3)
    for (const what of server.asked) server.answer(what)
    await until(async () => (await queue.stats()).every(({ leasedJobs }) => leasedJobs === 0))
    expect((await queue.overview()).lanes[0]).toMatchObject({ waitingCalls: 0, longestCallMs: 0 })
  })

  it('starts no more of a tenant than may wait, whatever it has, and keeps none of the rest', async () => {
    const queue = await open()
    const server = silentServer()
    queue.worker(
      { mail: ({ data }, context: JobContext) => context.waitFor(() => server.ask(String(data))) },
      { lanes, concurrency: 1, maxWaitingPerTenant: 2 },
    )
    await queue.addMany(Array.from({ length: 50 }, (_, n) => job('dead', n, { name: 'mail' })))
    await until(() => server.asked.length === 2)
    await until(async () => (await queue.stats())[0]!.leasedJobs === 2)
    await queue.add(job('well', 'other', { name: 'mail' }))
    await until(() => server.asked.includes('other'))
    expect(server.asked).toHaveLength(3)
    // Each answer makes room for the next, until all had their turn.
    for (let answered = 0; answered < 51; answered++) {
      await until(() => server.asked.length > answered)
      server.answer(server.asked[answered]!)
    }
    await until(async () => (await queue.stats()).every((lane) => lane.leasedJobs + lane.waitingJobs === 0))
    expect(new Set(server.asked).size).toBe(51)
  })

  it('pauses the kinds that wait at the limit of all, and nothing else', async () => {
    const queue = await open()
    const server = silentServer()
    const seen: unknown[] = []
    queue.worker(
      {
        mail: ({ tenant }, context: JobContext) => context.waitFor(() => server.ask(tenant)),
        job: ({ data }) => void seen.push(data),
      },
      { lanes: { mails: { weight: 8 }, work: {} }, concurrency: 1, maxWaiting: 3 },
    )
    const tenants = Array.from({ length: 10 }, (_, n) => `t${n}`)
    await queue.addMany(tenants.map((tenant) => job(tenant, 1, { lane: 'mails', name: 'mail' })))
    await until(() => server.asked.length === 3)
    await queue.addMany(tenants.map((tenant) => job(tenant, tenant)))
    await until(() => seen.length === 10)
    expect(server.asked).toHaveLength(3)
    for (const n of tenants.keys()) {
      await until(() => server.asked.length > n)
      server.answer(server.asked[n]!)
    }
    await until(async () => (await queue.stats()).every((lane) => lane.leasedJobs + lane.waitingJobs === 0))
  })

  it('waits only while all parts of a call wait, and charges the rest', async () => {
    const queue = await open()
    const server = silentServer()
    const reports: CallReport[] = []
    const seen: unknown[] = []
    let atWork = () => {}
    queue.worker(
      {
        mail: {
          batch: (_jobs, context: BatchContext) =>
            context
              .together([
                () => context.waitFor(() => server.ask('one')),
                () => new Promise<void>((resolve) => (atWork = resolve)),
                () => context.waitFor(() => server.ask('two')),
              ])
              .then(() => context.waitFor(() => server.ask('three'))),
        },
        job: ({ data }) => void seen.push(data),
      },
      { lanes, concurrency: 1, observe: (report) => reports.push(report) },
    )
    await queue.add(job('a', 1, { name: 'mail' }))
    await until(() => server.asked.length === 2)
    await queue.add(job('b', 1))
    // One slot: what was added later would have run if a single part had been enough.
    await until(async () => (await queue.stats())[0]!.leasedJobs === 2)
    expect(seen).toEqual([])
    atWork()
    await until(() => seen.length === 1)
    server.answer('one')
    server.answer('two')
    await until(() => server.asked.length === 3)
    await queue.add(job('b', 2))
    await until(() => seen.length === 2)
    server.answer('three')
    await until(() => reports.length === 3)
    expect(reports.find(({ name }) => name === 'mail')!.waitedMs).toBeGreaterThan(0)
  })

  it('goes on at once when it was answered, though others hold all slots', async () => {
    const queue = await open()
    const server = silentServer()
    const ended: string[] = []
    let release: (() => void) | undefined
    queue.worker(
      {
        mail: async ({ tenant }, context: JobContext) => {
          await context.waitFor(() => server.ask(tenant))
          ended.push(tenant)
        },
        job: async ({ tenant }) => {
          await new Promise<void>((resolve) => (release = resolve))
          ended.push(tenant)
        },
      },
      { lanes, concurrency: 1 },
    )
    await queue.add(job('mail', 1, { name: 'mail' }))
    await until(() => server.asked.length === 1)
    await queue.add(job('holder', 1))
    await until(() => release !== undefined)
    server.answer('mail')
    await until(() => ended.length === 1)
    expect(ended).toEqual(['mail'])
    release!()
    await until(() => ended.length === 2)
  })

  it('is told to stop when its time is over, it is cancelled, or the worker shuts down', async () => {
    const queue = await open()
    const server = silentServer()
    const reasons: string[] = []
    const ask = (what: string) => async (_: unknown, context: JobContext) => {
      await context
        .waitFor(() => server.ask(what, context.signal))
        .catch((error) => {
          reasons.push((error as Error).message)
          throw error
        })
    }
    const worker = queue.worker(
      {
        cancelled: ask('cancelled'),
        closed: ask('closed'),
        timed: {
          batch: (jobs, context) => ask('timed')(jobs, context),
          timeoutMs: 400,
        },
      },
      { lanes, concurrency: 1, retry: { baseMs: 3_600_000 } },
    )
    await queue.addMany([
      job('a', 1, { name: 'cancelled', id: 'x' }),
      job('b', 1, { name: 'timed' }),
      job('c', 1, { name: 'closed' }),
    ])
    await until(() => server.asked.length === 3)
    await queue.cancel([{ lane: 'work', tenant: 'a', id: 'x' }])
    await until(() => reasons.length === 2)
    expect(reasons.sort()).toEqual(['the handler took longer than 400 ms', 'the job was cancelled'])
    await worker.close({ graceMs: 0 })
    expect(reasons.at(-1)).toBe('the worker shut down before the job ended')
    expect((await queue.stats())[0]).toMatchObject({ leasedJobs: 0, scheduledJobs: 2 })
    expect(queue.memory()).not.toHaveProperty('waiting')
  })

  it('charges the memory of what waits to an account of its own', async () => {
    const queue = await open()
    const server = silentServer()
    queue.worker(
      { mail: ({ tenant }, context: JobContext) => context.waitFor(() => server.ask(tenant)) },
      { lanes, concurrency: 1 },
    )
    await queue.add(job('a', 'x'.repeat(1_000), { name: 'mail' }))
    await until(() => queue.memory().waiting!.used > 1_000)
    expect(queue.memory().prefetch!.used).toBe(0)
    server.answer('a')
    await until(() => queue.memory().waiting!.used === 0)
    await until(() => queue.memory().prefetch!.used === 0)
  })

  it.each(['hears nothing', 'was given up'] as const)(
    'goes to others when its worker %s, and settles nothing twice',
    async (how) => {
      const place = await openJobs(kind)
      const way = leaseLosing(how)
      const [cut, other] = [await place.open({}, way.through), await place.open()]
      const server = silentServer()
      const ran: string[] = []
      const aborted: string[] = []
      const handlers = (of: string): Handlers => ({
        mail: async ({ attempt }, context) => {
          context.signal.addEventListener('abort', () =>
            aborted.push((context.signal.reason as Error).message),
          )
          // As one that does not look at its signal.
          await context.waitFor(() => server.ask(`${of}${attempt}`))
          ran.push(`${of}${attempt}`)
        },
        job: ({ data }) => void ran.push(`${of}:${data}`),
      })
      const stalled: number[] = []
      const worker = cut.worker(handlers('cut'), { lanes, concurrency: 1, leaseMs: 1_000 })
      worker.on('stalled', (pages) => stalled.push(pages))
      await other.addMany([
        job('a', 1, { name: 'mail', key: 'k' }),
        job('a', 'behind', { key: 'k' }),
        job('b', 'beside'),
      ])
      await until(() => server.asked.length === 1)
      await until(async () => (await cut.overview()).lanes[0]?.waitingCalls === 1)
      await until(() => ran.includes('cut:beside'))
      way.lose()
      const completed: unknown[] = []
      const rescuer = other.worker(handlers('other'), { lanes, concurrency: 1, leaseMs: 1_000 })
      rescuer.on('completed', ({ data }) => completed.push(data))
      await until(() => server.asked.includes('other2'))
      const knows = how === 'hears nothing'
      if (knows) await until(() => aborted.length === 1 && stalled.length === 1)
      server.answer('cut1')
      // One that does not know yet that it lost its leases goes on with what it has.
      await until(() => ran.includes(knows ? 'cut1' : 'cut:behind'))
      await until(() => cut.memory().waiting!.used + cut.memory().prefetch!.used === 0)
      // What the first worker says of them is not heard: the jobs are still the other's.
      expect((await other.stats())[0]).toMatchObject({ leasedJobs: 2, deadJobs: 0 })
      expect(aborted).toEqual(knows ? ['the lease was lost'] : [])
      server.answer('other2')
      await until(() => isIdle(other))
      await until(() => completed.length === 2)
      expect(completed).toEqual([1, 'behind'])
      const first = knows ? ['cut:beside', 'cut1'] : ['cut:beside', 'cut1', 'cut:behind']
      expect(ran).toEqual([...first, 'other2', 'other:behind'])
      // The first worker has all its slots again.
      await rescuer.close()
      way.heal()
      await other.add(job('c', 'later'))
      await until(() => ran.includes('cut:later'))
      await until(() => isIdle(other))
      expect(await other.deadLetters()).toEqual([])
    },
  )

  it.each([
    ['tenant', { tenant: 'a' }],
    ['lane', { lane: 'work' }],
  ] as const)('goes on while its %s is paused, and what comes after it waits', async (_, what) => {
    const queue = await open()
    const server = silentServer()
    const ran: unknown[] = []
    queue.worker(
      {
        mail: async ({ data, attempt }, context: JobContext) => {
          await context.waitFor(() => server.ask(`${data}.${attempt}`))
          if (attempt === 1 && data === 0) throw new Error('not yet')
        },
        job: ({ data }) => void ran.push(data),
      },
      { lanes: { work: {}, free: {} }, concurrency: 1, maxWaitingPerTenant: 1, retry: { baseMs: 1 } },
    )
    await queue.addMany([0, 1].map((n) => job('a', n, { name: 'mail' })))
    await until(() => server.asked.length === 1)
    await until(async () => (await queue.stats())[0]!.leasedJobs === 1)
    await queue.pause(what)
    server.answer('0.1')
    // It fails, and is tried again when the pause is over.
    await until(async () => {
      const work = (await queue.stats()).find(({ lane }) => lane === 'work')
      return work?.waitingJobs === 2 && work.leasedJobs === 0
    })
    for (let n = 0; n < 3; n++) {
      await queue.add(job('b', n, { lane: 'free' }))
      await until(() => ran.length === n + 1)
    }
    expect(server.asked).toEqual(['0.1'])
    await queue.resume(what)
    for (const answered of [1, 2]) {
      await until(() => server.asked.length > answered)
      server.answer(server.asked[answered]!)
    }
    await until(() => isIdle(queue))
    expect(server.asked.toSorted()).toEqual(['0.1', '0.2', '1.1'])
    expect(await queue.deadLetters()).toEqual([])
  })
})

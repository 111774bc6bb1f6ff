import { afterEach, describe, expect, it, vi } from 'vitest'
import { until } from '../../../../testing/until.ts'
import { Discard, type Job, Snooze } from '../../src/index.ts'
import { job, kinds, lanes, openJobs, turn } from '../worker-support.ts'

afterEach(() => {
  vi.useRealTimers()
})

/** Small seeded generator, so that a failure can be run again. */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

describe.each(kinds)('what the queue takes care of on the %s store', (kind) => {
  it('keeps the order of keys through random failures while workers come and go', async () => {
    const place = await openJobs(kind)
    const queues = kind === 'postgres' ? [await place.open(), await place.open()] : [await place.open()]
    const random = randomFrom(26)
    const running = new Set<string>()
    let overlaps = 0
    const done = new Map<string, number[]>(['u', 'v', 'w', 'x'].map((key) => [key, []]))
    const handle = async ({ key, data }: Job) => {
      if (running.has(key!)) overlaps++
      running.add(key!)
      await turn()
      running.delete(key!)
      const chance = random()
      if (chance < 0.15) throw new Error('by chance')
      if (chance < 0.3) throw new Snooze(Math.floor(random() * 20))
      done.get(key!)!.push(data as number)
    }
    const start = (index: number) =>
      queues[index % queues.length]!.worker(
        { job: handle },
        { lanes, concurrency: 4, retry: { baseMs: 1, maxAttempts: 1_000 } },
      )
    const [first] = [start(0), start(1)]
    const total = 40
    for (let n = 0; n < total; n += 2)
      await queues[0]!.addMany([...done.keys()].flatMap((key) => [n, n + 1].map((m) => job('a', m, { key }))))
    await until(() => [...done.values()].some((list) => list.length >= 10))
    await first!.close()
    start(2)
    await until(() => [...done.values()].every((list) => list.length >= total))
    for (const list of done.values()) expect(list).toEqual(Array.from({ length: total }, (_, n) => n))
    expect(overlaps).toBe(0)
  })

  it('keeps nothing in memory when everything is done, however it ended', async () => {
    const place = await openJobs(kind)
    const queue = await place.open()
    const large = { text: 'x'.repeat(500_000) }
    const ends = { fine: 0, tooShort: 0 }
    queue.worker(
      {
        job: async ({ data, attempt }, context) => {
          if (data === 'fails' && attempt === 1) throw new Error('once')
          if (data === 'dies') throw new Discard('for good')
          if (data === 'hangs')
            await new Promise((resolve) => context.signal.addEventListener('abort', resolve))
          if (typeof data === 'object' && (data as typeof large).text.length !== 500_000) ends.tooShort++
          if (typeof data === 'object' && attempt < 3) throw new Error('large, twice')
          ends.fine++
        },
      },
      { lanes, retry: { baseMs: 1 }, payloadBytes: 600_000 },
    )
    const kindsOfJobs = ['fine', 'fails', 'dies', 'keyed', large]
    for (let n = 0; n < 6; n++)
      await queue.addMany(
        kindsOfJobs.map((data) => job(`t${n % 3}`, data, data === 'keyed' ? { key: 'k' } : {})),
      )
    await queue.add(job('t0', 'hangs', { id: 'h' }))
    await until(() => ends.fine === 24)
    await queue.cancel([{ lane: 'work', tenant: 't0', id: 'h' }])
    await until(async () =>
      (await queue.stats()).every((lane) => lane.waitingJobs + lane.leasedJobs + lane.scheduledJobs === 0),
    )
    await until(() => Object.values(queue.memory()).every(({ used }) => used === 0))
    expect(Object.keys(queue.memory()).sort()).toEqual(['intake', 'payloads', 'prefetch', 'waiting'])
    expect(ends.tooShort).toBe(0)
    expect(await queue.deadLetters()).toHaveLength(6)
    await until(async () => (await place.rows('blobs')) === 0)
    await until(async () => (await place.rows('leases')) === 0)
  })

  it('aborts a job that runs in another process when it is cancelled, and tells so', async () => {
    const place = await openJobs(kind)
    const queue = await place.open()
    const other = kind === 'postgres' ? await place.open() : queue
    const told: string[] = []
    let running = false
    const worker = queue.worker(
      {
        job: async ({ data }, { signal }) => {
          if (data === 'snoozes' && told.length === 0) throw new Snooze(1)
          if (data === 'snoozes') return
          running = true
          await new Promise((resolve) => signal.addEventListener('abort', resolve))
        },
      },
      { lanes },
    )
    worker
      .on('snoozed', ({ data }) => void told.push(`snoozed ${data}`))
      .on('completed', ({ data }) => void told.push(`completed ${data}`))
      .on('cancelled', ({ data }) => void told.push(`cancelled ${data}`))
    await queue.add(job('a', 'snoozes'))
    await until(() => told.length === 2)
    await queue.add(job('a', 'runs', { id: 'r' }))
    await until(() => running)
    await other.cancel([{ lane: 'work', tenant: 'a', id: 'r' }])
    await until(() => told.length === 3)
    expect(told).toEqual(['snoozed snoozes', 'completed snoozes', 'cancelled runs'])
  })

  it('redrives so many a second', async () => {
    let offset = 0
    const place = await openJobs(kind, { now: () => 1_800_000_000_000 + offset })
    const queue = await place.open()
    let broken = true
    let done = 0
    queue.worker(
      {
        job: () => {
          if (broken) throw new Discard('broken')
          done++
        },
      },
      { lanes },
    )
    await queue.addMany(Array.from({ length: 6 }, (_, n) => job('a', n)))
    await until(async () => (await queue.deadLetters()).length === 6)
    broken = false
    expect(await queue.redrive({}, { perSecond: 2 })).toBe(6)
    for (let second = 0; second < 3; second++) {
      // The store's clock stands still between the steps: what is not due yet can't run.
      await until(() => done === 1 + 2 * second)
      offset += 500
      await until(() => done === 2 + 2 * second)
      offset += 500
    }
  })

  it('discards the letters that match', async () => {
    const queue = await (await openJobs(kind)).open()
    queue.worker(
      {
        job: ({ data }) => {
          throw new Discard(`no such ${data}`)
        },
        mail: () => {
          throw new Discard('bounced')
        },
      },
      { lanes },
    )
    await queue.addMany([
      job('a', 'user'),
      job('a', 'list'),
      job('b', 'user'),
      job('b', 1, { name: 'mail' }),
      job('a', 1, { name: 'mail' }),
    ])
    await until(async () => (await queue.deadLetters()).length === 5)
    expect(await queue.discard({ reason: 'SUCH USER', tenant: 'a' })).toBe(1)
    expect(await queue.discard({ name: 'mail' })).toBe(2)
    const rest = await queue.deadLetters()
    expect(rest.map(({ tenant, data }) => `${tenant} ${data}`).sort()).toEqual(['a list', 'b user'])
    expect(await queue.discard([rest[0]!.ref, rest[0]!.ref])).toBe(1)
  })

  it('keeps dead letters no longer than told', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    let offset = 0
    const place = await openJobs(kind, { now: () => 1_800_000_000_000 + offset })
    const queue = await place.open({ retention: { maxAgeMs: 60_000 } })
    queue.worker(
      {
        job: () => {
          throw new Discard('broken')
        },
      },
      { lanes },
    )
    await queue.add(job('a', 'old'))
    await until(async () => (await queue.deadLetters()).length === 1)
    offset += 50_000
    await queue.add(job('a', 'new'))
    await until(async () => (await queue.deadLetters()).length === 2)
    offset += 20_000
    vi.advanceTimersByTime(20_000)
    await until(async () => (await queue.deadLetters()).length === 1)
    expect((await queue.deadLetters())[0]!.data).toBe('new')
  })
})

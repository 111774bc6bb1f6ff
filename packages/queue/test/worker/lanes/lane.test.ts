import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { LaneConfig } from '../../../src/api/types.ts'
import type { JobRecord } from '../../../src/pages/job-record.ts'
import { keyOf, priorityOf } from '../../../src/pages/streams.ts'
import type { ClaimedPage } from '../../../src/stores/store.ts'
import { Lane } from '../../../src/worker/lanes/lane.ts'
import type { HeldPage, Taken } from '../../../src/worker/lanes/ready-job.ts'

const made: Lane[] = []
afterEach(() => {
  for (const lane of made.splice(0)) lane.stop()
  vi.useRealTimers()
})

let time = 0
let opened = 0
function laneOf(concurrency: number, config: LaneConfig = {}): Lane {
  const waiting = { mayStart: () => true, isFull: () => false }
  const lane = new Lane('l', config, concurrency, { now: () => time, onOpen: () => opened++, waiting })
  made.push(lane)
  return lane
}

let seq = 0
/** A page of `jobs` jobs that take a known short time, as it comes from a claim. */
function admit(
  lane: Lane,
  tenant: string,
  jobs: number,
  more: Partial<ClaimedPage> & { name?: string } = {},
) {
  const { name = 'job', ...rest } = more
  const claimed: ClaimedPage = {
    lane: 'l',
    tenant,
    stream: '',
    jobs,
    bytes: jobs,
    body: '',
    lease: 1,
    seq: ++seq,
    done: [],
    readyAt: 0,
    firstAt: 0,
    cost: 2,
    weight: 1,
    grant: null,
    pace: null,
    cancels: false,
    ...rest,
  }
  const held: HeldPage = {
    ...claimed,
    remaining: jobs,
    finished: [],
    priority: priorityOf(claimed.stream),
    key: keyOf(claimed.stream),
    granted: claimed.grant !== null,
    lost: false,
  }
  const records = Array.from({ length: jobs }, (_, n): JobRecord => [`${tenant}${seq}.${n}`, name, n])
  lane.admit([{ claimed, held, records }])
}

const one = () => 1
/** Starts what can be started; returns the calls by tenant. */
function startAll(lane: Lane, most = Number.POSITIVE_INFINITY): Taken[] {
  const calls: Taken[] = []
  while (calls.length < most && lane.canStart) calls.push(lane.take(one))
  return calls
}
const of = (calls: Taken[], tenant: string) => calls.filter((call) => call.tenant.name === tenant).length

describe('a lane', () => {
  it('gives all slots to a tenant that is alone', () => {
    const lane = laneOf(8)
    admit(lane, 'a', 100)
    expect(startAll(lane)).toHaveLength(8)
  })

  it('gives a tenant that waits with others twice its share of the slots at most', () => {
    const lane = laneOf(8)
    admit(lane, 'long', 100)
    for (const tenant of ['b', 'c', 'd']) admit(lane, tenant, 100)
    // By its estimate of next to nothing `long` would get all slots.
    const calls: Taken[] = []
    while (lane.canStart) {
      const call = lane.take(one)
      if (call.tenant.name === 'long') lane.charge(call, -call.charged)
      calls.push(call)
    }
    expect(calls).toHaveLength(8)
    expect(of(calls, 'long')).toBe(4)
  })

  it('keeps an eighth of the slots free of long jobs and of those of unknown length', () => {
    const lane = laneOf(16)
    admit(lane, 'long', 100, { cost: 5_000 })
    expect(startAll(lane)).toHaveLength(14)
    // One that has nothing running may use what is left, whatever it takes.
    admit(lane, 'other', 5, { cost: 5_000 })
    expect(of(startAll(lane), 'other')).toBe(1)
    admit(lane, 'short', 5)
    expect(of(startAll(lane), 'short')).toBe(1)

    const unknown = laneOf(16)
    admit(unknown, 'new', 100, { cost: 1 })
    expect(startAll(unknown)).toHaveLength(14)
  })

  it('runs no more calls of a tenant than its grant', () => {
    const lane = laneOf(8)
    admit(lane, 'capped', 100, { grant: 2 })
    const calls = startAll(lane)
    expect(calls).toHaveLength(2)
    admit(lane, 'free', 100)
    expect(of(startAll(lane), 'capped')).toBe(0)
    lane.ended(calls[0]!, 2)
    expect(of(startAll(lane), 'free')).toBe(0)
  })

  it('rests after calls of whoever has more to do, and serves at once what comes alone', () => {
    const lane = laneOf(4, { yields: 'backlog' })
    lane.restShare = 0.75
    time = 1_000
    admit(lane, 'flood', 100)
    admit(lane, 'quiet', 1)
    const calls = startAll(lane)
    expect(of(calls, 'quiet')).toBe(1)
    for (const call of calls) lane.ended(call, 20)
    // A quarter of the time for the flood: 20 ms of work, 60 ms of rest.
    expect(startAll(lane)).toHaveLength(0)
    admit(lane, 'quiet', 1)
    expect(of(startAll(lane), 'quiet')).toBe(1)
    time += 59
    expect(of(startAll(lane), 'flood')).toBe(0)
    lane.restShare = 0
    time += 2
    admit(lane, 'flood', 1)
    expect(of(startAll(lane), 'flood')).toBeGreaterThan(0)
    time = 0
  })

  it('rests after every call where everybody yields, also of a tenant that has left memory', () => {
    const lane = laneOf(4, { yields: 'all' })
    lane.restShare = 0.5
    time = 1_000
    admit(lane, 'import', 1)
    const [call] = startAll(lane)
    lane.ended(call!, 200)
    admit(lane, 'import', 1)
    expect(startAll(lane)).toHaveLength(0)
    time += 201
    admit(lane, 'other', 1)
    expect(of(startAll(lane), 'other')).toBe(1)
    time = 0
  })

  it('does not ask for more of a tenant that could not run more of it', () => {
    const lane = laneOf(8)
    admit(lane, 'capped', 1, { grant: 2 })
    admit(lane, 'paced', 1, { pace: { from: 0, perSecond: 5 } })
    admit(lane, 'free', 1)
    expect(lane.refill.request(1_000_000)!.skip.sort()).toEqual(['capped', 'paced'])
  })

  it('holds a tenant to new controls while older jobs of it are in memory', () => {
    const lane = laneOf(8)
    admit(lane, 'a', 100)
    const calls = startAll(lane)
    expect(calls).toHaveLength(8)
    admit(lane, 'a', 100, { grant: 1 })
    for (const call of calls.slice(0, 7)) lane.ended(call, 2)
    expect(startAll(lane)).toHaveLength(0)
    lane.ended(calls[7]!, 2)
    expect(startAll(lane)).toHaveLength(1)
  })

  it('starts a tenth of a second of a rate at once, in batches too', () => {
    vi.useFakeTimers()
    time = 1_000
    const lane = laneOf(8)
    admit(lane, 'paced', 500, { pace: { from: 1_000, perSecond: 100 } })
    let started = 0
    for (; time < 3_000; time += 25, vi.advanceTimersByTime(25)) {
      while (lane.canStart) {
        const call = lane.take(() => 500)
        started += call.jobs.length
        lane.ended(call, 0)
      }
      expect(started).toBeLessThanOrEqual(((time - 1_000) * 100) / 1_000 + 10)
    }
    expect(started).toBeGreaterThan(150)
  })

  it('lets a tenant at its fair cap go on as soon as no other waits', () => {
    const lane = laneOf(8)
    admit(lane, 'a', 100)
    for (const tenant of ['b', 'c', 'd']) admit(lane, tenant, 1)
    const calls: Taken[] = []
    while (lane.canStart) {
      const call = lane.take(one)
      if (call.tenant.name === 'a') lane.charge(call, -100)
      calls.push(call)
    }
    expect(calls).toHaveLength(8)
    expect(of(calls.slice(0, 7), 'a')).toBe(4)
  })

  it('forgets a tenant of which every claimed job was cancelled before it came', () => {
    const lane = laneOf(8)
    admit(lane, 'a', 2, { done: [0, 1], grant: 1 })
    expect(lane.refill.request(1_000_000)!.skip).toEqual([])
    admit(lane, 'a', 1, { grant: 1 })
    expect(startAll(lane)).toHaveLength(1)
  })

  it('serves a tenant again that left memory while it was passed over', () => {
    const lane = laneOf(8)
    const tenants = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
    for (const tenant of tenants) admit(lane, tenant, 5, { cost: 5_000 })
    const calls = startAll(lane, 7)
    expect(new Set(calls.map((call) => call.tenant.name)).size).toBe(7)
    // All are passed over for the room. The waiting jobs of `a` are cancelled; then its last call ends.
    expect(lane.canStart).toBe(false)
    expect(lane.removeUnless(({ page }) => page.tenant !== 'a')).toHaveLength(4)
    lane.ended(calls.find((call) => call.tenant.name === 'a')!, 5_000)
    const rest = calls.filter((call) => call.tenant.name !== 'a')
    for (const call of rest) lane.ended(call, 5_000)
    lane.removeUnless(() => false)
    admit(lane, 'a', 1)
    expect(of(startAll(lane), 'a')).toBe(1)
  })

  it('keeps a tenant closed that comes back before its time', () => {
    time = 0
    const lane = laneOf(8)
    admit(lane, 'a', 1)
    const [call] = startAll(lane)
    lane.closeTenant('a', 1_000)
    lane.ended(call!, 2)
    admit(lane, 'a', 1)
    expect(startAll(lane)).toHaveLength(0)
    time = 1_000
    admit(lane, 'b', 1)
    admit(lane, 'a', 1)
    expect(of(startAll(lane), 'a')).toBe(2)
  })
})

const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      tenant: fc.nat(5),
      jobs: fc.integer({ min: 1, max: 6 }),
      key: fc.option(fc.nat(1), { nil: undefined }),
    }),
  },
  { weight: 4, arbitrary: fc.constant('start' as const) },
  { weight: 4, arbitrary: fc.record({ end: fc.nat(9), ms: fc.integer({ min: 0, max: 300 }) }) },
  { weight: 1, arbitrary: fc.record({ sift: fc.nat(5) }) },
)

it('never starts more than it may, leaves no slot empty that may be used, and loses nothing', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      fc.array(fc.option(fc.integer({ min: 1, max: 3 })), { minLength: 6, maxLength: 6 }),
      fc.array(step, { maxLength: 150 }),
      (slots, grants, steps) => {
        const lane = laneOf(slots)
        const running: Taken[] = []
        const waiting = new Map<string, { tenant: string; key: string | undefined; jobs: number }>()
        const count = (tenant: string, key: string | undefined, jobs: number) => {
          const place = `${tenant} ${key}`
          const before = waiting.get(place)?.jobs ?? 0
          waiting.set(place, { tenant, key, jobs: before + jobs })
        }
        const allWaiting = () => [...waiting.values()].reduce((sum, { jobs }) => sum + jobs, 0)
        const mayStart = ({ tenant, key, jobs }: { tenant: string; key: string | undefined; jobs: number }) =>
          jobs > 0 &&
          running.length < slots &&
          runningOf(tenant) < (grants[Number(tenant)] ?? slots) &&
          !(key !== undefined && running.some((call) => isOf(call, tenant, key))) &&
          // Jobs of unknown length leave room, unless nothing else of their tenant runs.
          (running.length < slots - Math.floor(slots / 8) || runningOf(tenant) === 0)
        const isOf = ({ jobs: [job] }: Taken, tenant: string, key: string) =>
          job!.page.tenant === tenant && job!.page.key === key
        const runningOf = (tenant: string) => running.filter((call) => call.tenant.name === tenant).length
        const start = () => {
          const call = lane.take(one)
          const { page } = call.jobs[0]!
          const { key } = page
          if (key !== undefined) expect(running.some((other) => isOf(other, page.tenant, key))).toBe(false)
          running.push(call)
          count(page.tenant, key, -1)
          expect(running.length).toBeLessThanOrEqual(slots)
          const grant = grants[Number(page.tenant)]
          if (grant) expect(runningOf(page.tenant)).toBeLessThanOrEqual(grant)
        }
        for (const one of steps) {
          if (one === 'start') {
            if (lane.canStart) start()
            else expect([...waiting.values()].filter(mayStart)).toEqual([])
          } else if ('tenant' in one) {
            const { tenant, jobs, key } = one
            const stream = key === undefined ? '' : `k${key}`
            // A store gives a page of a key only when no other is held.
            const held = (waiting.get(`${tenant} ${key}`)?.jobs ?? 0) > 0
            if (key !== undefined && (held || running.some((call) => isOf(call, `${tenant}`, `${key}`))))
              continue
            admit(lane, `${tenant}`, jobs, { stream, grant: grants[tenant]! })
            count(`${tenant}`, key === undefined ? undefined : `${key}`, jobs)
          } else if ('end' in one) {
            const [call] = running.splice(one.end % Math.max(1, running.length), 1)
            if (call) lane.ended(call, one.ms)
          } else
            for (const { page } of lane.removeUnless(({ page }) => page.tenant !== `${one.sift}`))
              count(page.tenant, page.key, -1)
          expect(lane.scheduler.size).toBe(allWaiting())
          expect(lane.running).toBe(running.length)
        }
        // Whatever happened before: with everything ended, all that waits can be run to the end.
        while (running.length > 0 || allWaiting() > 0) {
          while (lane.canStart) start()
          expect(running.length).toBeGreaterThan(0)
          lane.ended(running.shift()!, 1)
        }
        expect(lane.refill.request(1_000_000)!.skip).toEqual([])
      },
    ),
    { numRuns: 300 },
  )
})

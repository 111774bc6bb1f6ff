import { describe, expect, it } from 'vitest'
import type { CallReport, LaneStats, TenantStats } from '../../src/api/types.ts'
import { Histogram } from '../../src/observe/histogram.ts'
import { Meter } from '../../src/observe/meter.ts'
import { laneOverview, latestPerProcess } from '../../src/observe/overviews.ts'
import { maxReportBytes, unpackReport } from '../../src/observe/process-report.ts'
import { TenantTally } from '../../src/observe/top-tenants.ts'

const call = (of: Partial<CallReport> = {}): CallReport => ({
  lane: 'work',
  tenant: 'a',
  name: 'job',
  jobs: 1,
  dwellMs: 10,
  serviceMs: 5,
  waitedMs: 0,
  failed: 0,
  completed: 1,
  retried: 0,
  snoozed: 0,
  dead: 0,
  cancelled: 0,
  ...of,
})

function meterAt() {
  const clock = { ms: 0 }
  const meter = new Meter({
    storeNow: () => clock.ms,
    admission: () => ({ refused: 1, slowed: 2 }),
    memory: () => ({ intake: { used: 3, limit: 4 } }),
    waiting: () => [
      { lane: 'work', tenant: 'a', ms: 50 },
      { lane: 'work', tenant: 'b', ms: 20 },
      { lane: 'work', tenant: 'a', ms: 70.4 },
    ],
    now: () => clock.ms,
  })
  return { clock, meter }
}

const stats = (of: Partial<LaneStats> = {}): LaneStats => ({
  lane: 'work',
  waitingJobs: 10,
  waitingBytes: 100,
  scheduledJobs: 0,
  leasedJobs: 0,
  deadJobs: 0,
  oldestAgeMs: 7,
  tenants: 2,
  paused: false,
  ...of,
})

const waiting = (tenant: string, of: Partial<TenantStats> = {}): TenantStats => ({
  lane: 'work',
  tenant,
  waitingJobs: 5,
  waitingBytes: 50,
  oldestAgeMs: 7,
  weight: 1,
  paused: false,
  ...of,
})

describe('a meter', () => {
  it('counts by lane and tenant, and its report survives the way through the store', () => {
    const { clock, meter } = meterAt()
    meter.record(call({ jobs: 3, completed: 2, retried: 1 }))
    meter.record(call({ tenant: 'b', serviceMs: 20, completed: 0, dead: 1 }))
    clock.ms = 2_000
    const report = unpackReport(JSON.parse(JSON.stringify(meter.report())))!
    expect(report).toEqual(meter.read())
    expect(report).toMatchObject({
      windowMs: 2_000,
      admission: { refused: 1, slowed: 2 },
      memory: { intake: [3, 4] },
    })
    expect(report.lanes.work).toMatchObject({
      serviceMs: 25,
      completed: 2,
      retried: 1,
      dead: 1,
      top: [
        { tenant: 'b', serviceMs: 20, jobs: 1 },
        { tenant: 'a', serviceMs: 5, jobs: 3 },
      ],
      other: { serviceMs: 0, jobs: 0 },
    })
    expect(Histogram.fromPairs(report.lanes.work!.dwell).total).toBe(4)
  })

  it('forgets what is more than a minute old', () => {
    const { clock, meter } = meterAt()
    meter.record(call())
    clock.ms = 45_000
    meter.record(call({ tenant: 'b' }))
    expect(meter.read().lanes.work).toMatchObject({ completed: 2 })
    clock.ms = 65_000
    expect(meter.read()).toMatchObject({
      windowMs: 55_000,
      lanes: { work: { completed: 1, top: [{ tenant: 'b' }] } },
    })
    clock.ms = 1_000_000
    expect(meter.read().lanes).toEqual({})
  })

  it('is bounded whatever the number and the names of tenants', () => {
    const { clock, meter } = meterAt()
    const tally = new TenantTally()
    for (let tenant = 0; tenant < 20_000; tenant++) {
      clock.ms += 2
      const name = `${'ü'.repeat(150)}${tenant}`
      tally.add(name, 1, 1)
      expect(tally.size).toBeLessThanOrEqual(256)
      for (const lane of ['one', 'two', 'three', 'four', 'five'])
        meter.record(call({ lane, tenant: name, dwellMs: tenant ** 2, serviceMs: 1 }))
      meter.record(call({ lane: 'one', tenant: 'big', serviceMs: 10 }))
    }
    const sums = tally.read()
    expect(sums.tenants.reduce((sum, { jobs }) => sum + jobs, sums.other.jobs)).toBe(20_000)
    const packed = JSON.stringify(meter.report())
    expect(Buffer.byteLength(packed)).toBeLessThanOrEqual(maxReportBytes)
    const { lanes } = unpackReport(JSON.parse(packed))!
    expect(Object.keys(lanes)).toHaveLength(5)
    expect(lanes.one!.top[0]).toEqual({ tenant: 'big', serviceMs: 200_000, jobs: 20_000 })
    expect(lanes.one!.completed).toBe(40_000)
  })

  it('keeps its report short with very many lanes too', () => {
    const { meter } = meterAt()
    for (let lane = 0; lane < 1_000; lane++) meter.record(call({ lane: `lane ${lane}`, serviceMs: lane }))
    const packed = JSON.stringify(meter.report())
    expect(Buffer.byteLength(packed)).toBeLessThanOrEqual(maxReportBytes)
    expect(Object.keys(unpackReport(JSON.parse(packed))!.lanes)).toContain('lane 999')
  })
})

describe('an overview', () => {
  it('counts a process once, by its latest report', () => {
    const { clock, meter } = meterAt()
    const early = meter.read()
    clock.ms = 1_000
    const late = meter.read()
    expect(latestPerProcess([late, early, meterAt().meter.read()])).toEqual([late, expect.anything()])
  })

  it('passes over what others wrote', () => {
    for (const report of [null, 7, 'x', {}, { v: 2 }]) expect(unpackReport(report)).toBeUndefined()
  })

  it('sums the processes', () => {
    const [one, two] = [meterAt(), meterAt()]
    for (let n = 0; n < 99; n++) one.meter.record(call({ serviceMs: 10 }))
    two.meter.record(call({ tenant: 'b', dwellMs: 60_000, serviceMs: 10 }))
    one.clock.ms = 1_000
    two.clock.ms = 500
    const overview = laneOverview(stats(), [], [one.meter.read(), two.meter.read()], null)
    expect(overview).toMatchObject({ waitingJobs: 10, oldestAgeMs: 7, drainMs: null, tenants: 2 })
    expect(overview.perSecond).toBeCloseTo(101)
    expect(overview.inFlight).toBeCloseTo(0.99 + 0.02)
    expect(overview.dwellP50Ms).toBeLessThan(12.1)
    expect(overview.shares).toEqual([
      { tenant: 'a', serviceMs: 990, jobs: 99, share: 0.99 },
      { tenant: 'b', serviceMs: 10, jobs: 1, share: 0.01 },
    ])
    expect(overview.otherShare).toEqual({ serviceMs: 0, jobs: 0, share: 0 })
  })

  it('measures fairness by weight, among those who wait', () => {
    const { meter } = meterAt()
    meter.record(call({ tenant: 'a', serviceMs: 300 }))
    meter.record(call({ tenant: 'b', serviceMs: 100 }))
    meter.record(call({ tenant: 'idle', serviceMs: 5_000 }))
    const processes = [meter.read()]
    const fairness = (tenants: TenantStats[]) =>
      laneOverview(stats({ tenants: tenants.length }), tenants, processes, null).fairness
    expect(fairness([waiting('a'), waiting('b')])).toBeCloseTo(0.8)
    expect(fairness([waiting('a', { weight: 3 }), waiting('b')])).toBeCloseTo(1)
    expect(fairness([waiting('a'), waiting('starved')])).toBeCloseTo(0.5)
    expect(fairness([waiting('a'), waiting('b', { paused: true })])).toBeNull()
    expect(fairness([])).toBeNull()
  })
})

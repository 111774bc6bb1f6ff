import type { LaneOverview, QueueOverview } from '../api/queue-overview.ts'
import type { LaneStats, TenantStats, WaitingTenant } from '../api/types.ts'
import type { Store } from '../stores/store.ts'
import { DrainTrend } from './drain-trend.ts'
import { jainIndex } from './fairness.ts'
import { Histogram } from './histogram.ts'
import type { Meter } from './meter.ts'
import { maxTenants, type ProcessReport, unpackReport } from './process-report.ts'
import { sumTenants, type TenantWork, topOf } from './top-tenants.ts'

/** Waiting tenants per lane that the index of fairness looks at. */
const tenantsRead = 1_000

/** Joins what the store knows with what the living processes report. */
export class Overviews {
  readonly #store: Store
  readonly #meter: Meter
  readonly #trend = new DrainTrend()

  constructor(store: Store, meter: Meter) {
    this.#store = store
    this.#meter = meter
  }

  async read(): Promise<QueueOverview> {
    const [reports, stats] = await Promise.all([this.#store.reports(), this.#store.stats()])
    const own = this.#meter.read()
    const processes = latestPerProcess([...reports.flatMap(({ report }) => unpackReport(report) ?? []), own])
    const now = this.#store.now()
    const lanes = await Promise.all(
      withIdleLanes(stats, processes).map(async (lane) => {
        // With a single tenant there is nothing to compare.
        const waiting = lane.tenants > 1 ? await this.#store.tenants(tenantsRead, { lane: lane.lane }) : []
        const drainMs = this.#trend.note(lane.lane, lane.waitingJobs, now)
        return laneOverview(lane, waiting, processes, drainMs)
      }),
    )
    return {
      lanes,
      ...sumProcesses(processes),
      processes: processes.length,
      own: sumProcesses([own]),
    }
  }
}

/** A store forgets lanes that hold nothing; what ran in them lately is told all the same. */
function withIdleLanes(stats: LaneStats[], processes: ProcessReport[]): LaneStats[] {
  const known = new Set(stats.map(({ lane }) => lane))
  const idle = new Set(
    processes
      .flatMap(({ lanes, waiting }) => Object.keys({ ...lanes, ...waiting }))
      .filter((lane) => !known.has(lane)),
  )
  const nothing = { waitingJobs: 0, waitingBytes: 0, scheduledJobs: 0, leasedJobs: 0, deadJobs: 0 }
  return [
    ...stats,
    ...[...idle].map((lane) => ({ lane, ...nothing, oldestAgeMs: 0, tenants: 0, paused: false })),
  ]
}

/** Each worker of a process sends its report: the newest counts, once. */
export function latestPerProcess(reports: ProcessReport[]): ProcessReport[] {
  const latest = new Map<string, ProcessReport>()
  for (const report of reports) {
    const before = latest.get(report.id)
    if (!before || before.at <= report.at) latest.set(report.id, report)
  }
  return [...latest.values()]
}

export function laneOverview(
  stats: LaneStats,
  waiting: TenantStats[],
  processes: ProcessReport[],
  drainMs: number | null,
): LaneOverview {
  const dwell = new Histogram()
  const sum = { inFlight: 0, perSecond: 0, retriedPerSecond: 0, deadPerSecond: 0 }
  const works: TenantWork[] = []
  const unnamed = { serviceMs: 0, jobs: 0 }
  const waitingTenants = new Map<string, WaitingTenant>()
  const outside = { waitingCalls: 0, longestCallMs: 0 }
  for (const { windowMs, lanes, waiting: calls } of processes) {
    const [waitingCalls, longestMs, tenants] = calls?.[stats.lane] ?? [0, 0, []]
    outside.waitingCalls += waitingCalls
    for (const [tenant, own, ms] of tenants) {
      const { calls: before, longestMs: longer } = waitingTenants.get(tenant) ?? { calls: 0, longestMs: 0 }
      waitingTenants.set(tenant, { tenant, calls: before + own, longestMs: Math.max(longer, ms) })
    }
    outside.longestCallMs = Math.max(outside.longestCallMs, longestMs)
    const lane = lanes[stats.lane]
    if (!lane) continue
    dwell.merge(Histogram.fromPairs(lane.dwell))
    // Little's law: time in service per time is how many are served at once.
    sum.inFlight += lane.serviceMs / windowMs
    sum.perSecond += ((lane.completed + lane.dead) / windowMs) * 1_000
    sum.retriedPerSecond += (lane.retried / windowMs) * 1_000
    sum.deadPerSecond += (lane.dead / windowMs) * 1_000
    works.push(...lane.top)
    unnamed.serviceMs += lane.other.serviceMs
    unnamed.jobs += lane.other.jobs
  }
  const named = sumTenants(works)
  const { top, other } = topOf(named, unnamed, maxTenants)
  const total = top.reduce((all, { serviceMs }) => all + serviceMs, other.serviceMs)
  const shareOf = (serviceMs: number) => (total > 0 ? serviceMs / total : 0)
  return {
    ...stats,
    dwellP50Ms: dwell.quantile(0.5),
    dwellP99Ms: dwell.quantile(0.99),
    ...sum,
    ...outside,
    waitingTenants: [...waitingTenants.values()],
    drainMs,
    fairness: fairnessOf(waiting, named, unnamed.serviceMs, stats.tenants),
    shares: top.map((work) => ({ ...work, share: shareOf(work.serviceMs) })),
    otherShare: { ...other, share: shareOf(other.serviceMs) },
  }
}

function fairnessOf(
  waiting: TenantStats[],
  named: TenantWork[],
  unnamedMs: number,
  tenants: number,
): number | null {
  const serviceMs = new Map(named.map((work) => [work.tenant, work.serviceMs]))
  const compared = waiting.filter(({ paused }) => !paused)
  const unnamedTenants =
    Math.max(tenants, waiting.length) - waiting.filter(({ tenant }) => serviceMs.has(tenant)).length
  const each = unnamedMs / Math.max(1, unnamedTenants)
  return jainIndex(compared.map(({ tenant, weight }) => (serviceMs.get(tenant) ?? each) / weight))
}

function sumProcesses(processes: ProcessReport[]): QueueOverview['own'] {
  const admission = { refused: 0, slowed: 0 }
  const memory: QueueOverview['memory'] = {}
  for (const one of processes) {
    admission.refused += one.admission.refused
    admission.slowed += one.admission.slowed
    for (const [account, [used, limit]] of Object.entries(one.memory)) {
      memory[account] ??= { used: 0, limit: 0 }
      memory[account].used += used
      memory[account].limit += limit
    }
  }
  return { admission, memory }
}

import type { LaneOverview, QueueOverview, TenantStats } from '@fairway/queue'
import { Counter, Gauge, type Registry } from 'prom-client'
import type { App } from '../platform/app.ts'
import { isCanary } from './canary.ts'

/** The queue's numbers come from the database: ask at most this often, however often /metrics is read. */
const readEveryMs = 5_000
/** Projects with a label of their own; all others are `other`. */
const maxProjects = 10
/** (lane, project) pairs that are read to find them. */
const pairsRead = 200

/** Per lane, over all processes. Null: no sample. */
const laneGauges: [name: string, help: string, of: (lane: LaneOverview) => number | null][] = [
  ['waiting_bytes', 'Bytes of waiting jobs', (lane) => lane.waitingBytes],
  [
    'oldest_seconds',
    'Age of the oldest waiting job, since it could first have run',
    (lane) => lane.oldestAgeMs / 1_000,
  ],
  ['tenants', 'Projects with waiting jobs', (lane) => lane.tenants],
  ['in_flight', 'Handler calls in slots at once, on average over the last minute', (lane) => lane.inFlight],
  ['waiting_calls', 'Handler calls that wait for another server, now', (lane) => lane.waitingCalls],
  [
    'longest_call_seconds',
    'For how long the longest of them has waited',
    (lane) => lane.longestCallMs / 1_000,
  ],
  ['completed_per_second', 'Jobs that ended for good, over the last minute', (lane) => lane.perSecond],
  [
    'drain_seconds',
    'Time until nothing waits; absent while it does not become less',
    (lane) => seconds(lane.drainMs),
  ],
  [
    'fairness',
    "Jain's index of service time by weight among the projects that wait: 1 is fair",
    (lane) => lane.fairness,
  ],
]

/** What `/metrics` says of the queue. The numbers are of the whole installation, but for those that say otherwise. */
export function measureQueue(app: App, registry: Registry): void {
  const gauge = (name: string, help: string, labelNames: string[]) =>
    new Gauge({ name: `fairway_queue_${name}`, help, labelNames, registers: [registry] })
  const jobs = gauge('jobs', 'Jobs in the queue', ['lane', 'state'])
  const lanes = laneGauges.map(([name, help, of]) => ({ gauge: gauge(name, help, ['lane']), of }))
  const dwell = gauge('dwell_seconds', 'Time from ready to run, over the last minute', ['lane', 'quantile'])
  const waiting = gauge('project_waiting_jobs', 'Waiting jobs of the ten projects with most', ['project'])
  const service = gauge('project_service_ratio', 'Share of the handler time of the last minute', ['project'])
  const counter = (name: string, help: string) =>
    new Counter({ name: `fairway_queue_${name}`, help, registers: [registry] })
  const refused = counter(
    'refused_jobs_total',
    'Jobs that this process refused: a quota or the store was full',
  )
  const slowed = counter('slowed_adds_total', 'Adds that this process slowed because a quota was nearly full')
  const failures = counter('stats_failures_total', 'Times that the numbers of the queue could not be read')
  measureMemory(app, registry)
  measureRequestUnits(app, registry)

  const filled = [jobs, dwell, waiting, service, refused, slowed, ...lanes.map((lane) => lane.gauge)]

  function show({ lanes: all, own }: QueueOverview, tenants: TenantStats[]): void {
    for (const one of filled) one.reset()
    refused.inc(own.admission.refused)
    slowed.inc(own.admission.slowed)
    const shown = all.filter(({ lane }) => !isCanary(lane))
    for (const stats of shown) {
      const { lane } = stats
      jobs.set({ lane, state: 'waiting' }, stats.waitingJobs)
      jobs.set({ lane, state: 'scheduled' }, stats.scheduledJobs)
      jobs.set({ lane, state: 'leased' }, stats.leasedJobs)
      jobs.set({ lane, state: 'dead' }, stats.deadJobs)
      if (stats.dwellP50Ms !== null) dwell.set({ lane, quantile: '0.5' }, stats.dwellP50Ms / 1_000)
      if (stats.dwellP99Ms !== null) dwell.set({ lane, quantile: '0.99' }, stats.dwellP99Ms / 1_000)
      for (const { gauge: one, of } of lanes) {
        const value = of(stats)
        if (value !== null) one.set({ lane }, value)
      }
    }
    const waitingTotal = shown.reduce((sum, lane) => sum + lane.waitingJobs, 0)
    const ownWaiting = tenants.filter(({ lane }) => !isCanary(lane))
    setProjects(
      waiting,
      ownWaiting.map((one) => [one.tenant, one.waitingJobs]),
      waitingTotal,
      1,
    )
    const shares = shown.flatMap((lane) => lane.shares)
    const serviceTotal = shown.reduce(
      (sum, lane) => sum + lane.otherShare.serviceMs,
      shares.reduce((sum, { serviceMs }) => sum + serviceMs, 0),
    )
    setProjects(
      service,
      shares.map((one) => [one.tenant, one.serviceMs]),
      serviceTotal,
      serviceTotal,
    )
  }

  const read = async () => {
    try {
      const [overview, tenants] = await Promise.all([app.queue.overview(), app.queue.tenants(pairsRead)])
      show(overview, tenants)
    } catch (error) {
      failures.inc()
      app.log.warn({ err: error }, 'could not read the numbers of the queue')
    }
  }
  let readAt = Number.NEGATIVE_INFINITY
  let latest: Promise<void> | undefined
  // prom-client asks all metrics at once: each waits for the same reading.
  const collect = () => {
    if (!latest || performance.now() - readAt >= readEveryMs) {
      readAt = performance.now()
      latest = read()
    }
    return latest
  }
  for (const one of filled) Object.assign(one, { collect })
}

/** Of this process. */
function measureMemory(app: App, registry: Registry): void {
  const memory = new Gauge({
    name: 'fairway_queue_memory_bytes',
    help: 'Bytes that this process keeps for the queue, and may keep',
    labelNames: ['account', 'kind'],
    registers: [registry],
    collect() {
      memory.reset()
      for (const [account, { used, limit }] of Object.entries(app.queue.memory())) {
        memory.set({ account, kind: 'used' }, used)
        memory.set({ account, kind: 'limit' }, limit)
      }
    },
  })
}

/** The projects with most, and `other`, which is what `total` has beyond them; each divided by `unit`. */
function setProjects(gauge: Gauge, parts: [project: string, value: number][], total: number, unit: number) {
  if (unit === 0) return
  const sums = new Map<string, number>()
  for (const [project, value] of parts) sums.set(project, (sums.get(project) ?? 0) + value)
  const top = [...sums].toSorted(([, a], [, b]) => b - a).slice(0, maxProjects)
  for (const [project, value] of top) gauge.set({ project }, value / unit)
  const rest = top.reduce((left, [, value]) => left - value, total)
  // Read a moment apart, the parts may be more than the total.
  gauge.set({ project: 'other' }, Math.max(0, rest) / unit)
}

const seconds = (ms: number | null) => (ms === null ? null : ms / 1_000)

/** Where DynamoDB is set up: what the queue costs there. */
function measureRequestUnits({ requestUnits }: App, registry: Registry): void {
  if (!requestUnits) return
  let reported = { read: 0, write: 0 }
  new Counter({
    name: 'fairway_queue_request_units_total',
    help: "DynamoDB's request units that this process used",
    labelNames: ['kind'],
    registers: [registry],
    collect() {
      const units = requestUnits()
      for (const kind of ['read', 'write'] as const) this.inc({ kind }, units[kind] - reported[kind])
      reported = units
    },
  })
}

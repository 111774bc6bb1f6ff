import { randomUUID } from 'node:crypto'
import type { CallReport, Json } from '../api/types.ts'
import type { WaitingCall } from '../worker/waiting-calls.ts'
import { Histogram } from './histogram.ts'
import {
  type LaneReport,
  maxReportBytes,
  maxTenants,
  type ProcessReport,
  packReport,
} from './process-report.ts'
import { sumTenants, TenantTally, topOf } from './top-tenants.ts'

const sliceMs = 10_000
/** The one that fills and those before it: 50 to 60 seconds. */
const slices = 6
/** When the report would be too long, it names fewer tenants. */
const fewer = [maxTenants, 10, 5, 2, 0]

interface LaneSlice {
  dwell: Histogram
  serviceMs: number
  completed: number
  retried: number
  dead: number
  tenants: TenantTally
}

interface Slice {
  startedAt: number
  lanes: Map<string, LaneSlice>
}

export interface MeterSources {
  /** The store's clock, epoch ms. */
  storeNow: () => number
  admission: () => { refused: number; slowed: number }
  memory: () => Record<string, { used: number; limit: number }>
  waiting: () => WaitingCall[]
  /** Monotonic, ms. For tests. */
  now?: () => number
}

/**
 * What the handlers of this process did in the last minute, by lane and tenant. Memory is bounded whatever the number of
 * tenants: per lane a histogram of 1 KiB and at most 256 tenants in each of six slices of ten seconds.
 */
export class Meter {
  readonly #id = randomUUID()
  readonly #sources: MeterSources
  readonly #now: () => number
  readonly #startedAt: number
  #slices: Slice[] = []

  constructor(sources: MeterSources) {
    this.#sources = sources
    this.#now = sources.now ?? (() => performance.now())
    this.#startedAt = this.#now()
  }

  record({ lane, tenant, jobs, dwellMs, serviceMs, completed, retried, dead }: CallReport): void {
    const slice = this.#current()
    let of = slice.lanes.get(lane)
    if (!of) slice.lanes.set(lane, (of = emptySlice()))
    of.dwell.add(dwellMs, jobs)
    of.serviceMs += serviceMs
    of.completed += completed
    of.retried += retried
    of.dead += dead
    of.tenants.add(tenant, serviceMs, jobs)
  }

  read(tenants = maxTenants): ProcessReport {
    const current = this.#current()
    const names = new Set(this.#slices.flatMap((slice) => [...slice.lanes.keys()]))
    const windowStart = Math.max(this.#startedAt, current.startedAt - (slices - 1) * sliceMs)
    const { storeNow, admission, memory, waiting } = this.#sources
    return {
      v: 1,
      id: this.#id,
      at: Math.round(storeNow()),
      windowMs: Math.max(1, Math.round(this.#now() - windowStart)),
      lanes: Object.fromEntries([...names].map((name) => [name, this.#readLane(name, tenants)])),
      waiting: sumWaiting(waiting(), tenants),
      admission: admission(),
      memory: Object.fromEntries(
        Object.entries(memory()).map(([name, { used, limit }]) => [name, [used, limit]]),
      ),
    }
  }

  /** For the heartbeat: at most 8 KiB as JSON. Lanes with least service are left out when nothing else helps. */
  report(): Json {
    for (const tenants of fewer) {
      const packed = packReport(this.read(tenants))
      if (fits(packed)) return packed
    }
    const report = this.read(0)
    const lanes = Object.entries(report.lanes).toSorted(([, a], [, b]) => b.serviceMs - a.serviceMs)
    while (lanes.length > 0) {
      lanes.length = Math.floor(lanes.length / 2)
      const packed = packReport({ ...report, waiting: {}, lanes: Object.fromEntries(lanes) })
      if (fits(packed)) return packed
    }
    return null
  }

  #readLane(name: string, tenants: number): LaneReport {
    const parts = this.#slices.flatMap((slice) => slice.lanes.get(name) ?? [])
    const dwell = new Histogram()
    const sum = { serviceMs: 0, completed: 0, retried: 0, dead: 0 }
    const other = { serviceMs: 0, jobs: 0 }
    const works = []
    for (const part of parts) {
      dwell.merge(part.dwell)
      sum.serviceMs += part.serviceMs
      sum.completed += part.completed
      sum.retried += part.retried
      sum.dead += part.dead
      const tally = part.tenants.read()
      works.push(...tally.tenants)
      other.serviceMs += tally.other.serviceMs
      other.jobs += tally.other.jobs
    }
    const { top, other: rest } = topOf(sumTenants(works), other, tenants)
    return {
      ...sum,
      serviceMs: Math.round(sum.serviceMs),
      dwell: dwell.toPairs(),
      top: top.map((work) => ({ ...work, serviceMs: tenths(work.serviceMs) })),
      other: { serviceMs: tenths(rest.serviceMs), jobs: rest.jobs },
    }
  }

  #current(): Slice {
    const now = this.#now()
    const startedAt = now - ((now - this.#startedAt) % sliceMs)
    const last = this.#slices.at(-1)
    if (last && last.startedAt + sliceMs / 2 > startedAt) return last
    const fresh: Slice = { startedAt, lanes: new Map() }
    const oldest = startedAt - (slices - 0.5) * sliceMs
    this.#slices = [...this.#slices.filter((slice) => slice.startedAt > oldest), fresh]
    return fresh
  }
}

const emptySlice = (): LaneSlice => ({
  dwell: new Histogram(),
  serviceMs: 0,
  completed: 0,
  retried: 0,
  dead: 0,
  tenants: new TenantTally(),
})

/** By lane, with the tenants that wait longest. */
function sumWaiting(waiting: WaitingCall[], tenants: number): NonNullable<ProcessReport['waiting']> {
  const lanes = new Map<string, { calls: number; longestMs: number; own: Map<string, [number, number]> }>()
  for (const { lane, tenant, ms } of waiting) {
    let sum = lanes.get(lane)
    if (!sum) lanes.set(lane, (sum = { calls: 0, longestMs: 0, own: new Map() }))
    const [calls, longestMs] = sum.own.get(tenant) ?? [0, 0]
    sum.calls++
    sum.longestMs = Math.max(sum.longestMs, Math.round(ms))
    sum.own.set(tenant, [calls + 1, Math.max(longestMs, Math.round(ms))])
  }
  return Object.fromEntries(
    [...lanes].map(([lane, { calls, longestMs, own }]) => {
      const top = [...own].toSorted(([, [, a]], [, [, b]]) => b - a).slice(0, tenants)
      return [lane, [calls, longestMs, top.map(([tenant, of]) => [tenant, ...of])]]
    }),
  )
}

const tenths = (ms: number) => Math.round(ms * 10) / 10

const fits = (packed: Json) => Buffer.byteLength(JSON.stringify(packed)) <= maxReportBytes

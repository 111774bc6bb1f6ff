import type { CallReport } from '@fairway/queue'

/** Quantiles of the time that jobs waited, over the last one to two windows. */
export interface TimeInQueue {
  jobs: number
  p50Ms: number
  p99Ms: number
}

const windowMs = 30_000
/** (lane, project) pairs kept in a window; those that come later are left out of it. 96 counters each: 0.8 MB. */
const maxKeys = 1_000
/** Bucket n ends at 1.25ⁿ · 0.5 ms: from half a millisecond to nine days, within 25 %. */
const buckets = 96
const growth = Math.log(1.25)

/**
 * How long jobs waited in the queue before a handler of this process took them, by lane and project. Memory is bounded
 * whatever the number of projects.
 */
export class TimesInQueue {
  #current = new Map<string, Float64Array>()
  #previous = new Map<string, Float64Array>()
  #startedAt: number
  readonly #now: () => number

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
    this.#startedAt = now()
  }

  record({ lane, tenant, jobs, dwellMs }: Pick<CallReport, 'lane' | 'tenant' | 'jobs' | 'dwellMs'>): void {
    this.#turn()
    const key = `${lane}\u0000${tenant}`
    let counts = this.#current.get(key)
    if (!counts) {
      if (this.#current.size >= maxKeys) return
      counts = new Float64Array(buckets)
      this.#current.set(key, counts)
    }
    counts[bucketOf(dwellMs)]! += jobs
  }

  /** Undefined when no job of this lane and project ran lately. */
  read(lane: string, tenant: string): TimeInQueue | undefined {
    this.#turn()
    const key = `${lane}\u0000${tenant}`
    const counts = new Float64Array(buckets)
    for (const window of [this.#previous, this.#current])
      window.get(key)?.forEach((count, bucket) => {
        counts[bucket]! += count
      })
    const jobs = counts.reduce((sum, count) => sum + count, 0)
    if (jobs === 0) return undefined
    return { jobs, p50Ms: quantile(counts, jobs * 0.5), p99Ms: quantile(counts, jobs * 0.99) }
  }

  #turn(): void {
    const age = this.#now() - this.#startedAt
    if (age < windowMs) return
    this.#previous = age < 2 * windowMs ? this.#current : new Map()
    this.#current = new Map()
    this.#startedAt = this.#now()
  }
}

const bucketOf = (ms: number) =>
  Math.min(buckets - 1, Math.max(0, Math.ceil(Math.log(Math.max(ms, 0.5) / 0.5) / growth)))

/** Upper end of the bucket in which the `rank`-th job lies. */
function quantile(counts: Float64Array, rank: number): number {
  let seen = 0
  for (const [bucket, count] of counts.entries()) {
    seen += count
    if (seen >= rank && count > 0) return Math.round(0.5 * Math.exp(bucket * growth) * 10) / 10
  }
  return 0
}

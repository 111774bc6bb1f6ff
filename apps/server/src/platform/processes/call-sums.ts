import type { CallReport } from '@fairway/queue'

/** Calls of one kind that waited about as long, together. */
export type CallSum = Pick<
  CallReport,
  'lane' | 'tenant' | 'name' | 'jobs' | 'failed' | 'serviceMs' | 'dwellMs'
>

/** Sums of one span at most. Calls beyond them are counted by lane and kind alone, without their project. */
const maxSums = 1_000
const noTenant = ''

/** Adds up what handlers did, so that another process can be told in a few lines whatever the rate of calls. */
export class CallSums {
  #sums = new Map<string, CallSum>()

  record({ lane, tenant, name, jobs, failed, serviceMs, dwellMs }: CallReport): void {
    // Within a quarter, which is as exact as waiting times are kept.
    const wait = Math.round(Math.log2(Math.max(dwellMs, 0.5)) * 3)
    let key = `${lane}\u0000${name}\u0000${tenant}\u0000${wait}`
    let sum = this.#sums.get(key)
    if (!sum && this.#sums.size >= maxSums) {
      key = `${lane}\u0000${name}\u0000${noTenant}\u0000${wait}`
      sum = this.#sums.get(key)
      tenant = noTenant
    }
    if (!sum) this.#sums.set(key, (sum = { lane, tenant, name, jobs: 0, failed: 0, serviceMs: 0, dwellMs }))
    sum.jobs += jobs
    sum.failed += failed
    sum.serviceMs += serviceMs
  }

  /** What was recorded since the last time. */
  take(): CallSum[] {
    const sums = [...this.#sums.values()]
    this.#sums = new Map()
    return sums
  }
}

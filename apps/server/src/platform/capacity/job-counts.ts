import type { CallReport } from '@fairway/queue'

export interface JobCount {
  lane: string
  /** Job name. */
  job: string
  done: number
  failed: number
  /** Handler time, ms. */
  serviceMs: number
}

/** What this process's workers have done since it started, by lane and kind of job: both are ours, so it stays small. */
export class JobCounts {
  readonly #counts = new Map<string, JobCount>()

  record({
    lane,
    name,
    jobs,
    failed,
    serviceMs,
  }: Pick<CallReport, 'lane' | 'name' | 'jobs' | 'failed' | 'serviceMs'>): void {
    const key = `${lane}\u0000${name}`
    let count = this.#counts.get(key)
    if (!count) this.#counts.set(key, (count = { lane, job: name, done: 0, failed: 0, serviceMs: 0 }))
    count.done += jobs - failed
    count.failed += failed
    count.serviceMs += serviceMs
  }

  read(): JobCount[] {
    return [...this.#counts.values()]
  }
}

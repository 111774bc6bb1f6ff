/** Beyond what a slow answer makes. */
const stepMs = 2_000
/** Heartbeats of living workers have set their leases right by then. */
const holdMs = 10_000

/**
 * Notices that the database's clock was set forward: leases then look over that are not, until the next heartbeats of their
 * workers.
 */
export class ClockWatch {
  #last: { at: number; monotonic: number } | undefined
  #holdUntil = Number.NEGATIVE_INFINITY

  /** Tells it the database's time, epoch ms; true when leases may be judged by it. */
  trusts(at: number, monotonic = performance.now()): boolean {
    const last = this.#last
    this.#last = { at, monotonic }
    if (last && at - last.at - (monotonic - last.monotonic) > stepMs) this.#holdUntil = monotonic + holdMs
    return monotonic >= this.#holdUntil
  }
}

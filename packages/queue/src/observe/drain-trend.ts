const windowMs = 60_000
/** Readings closer to each other than this say little. */
const leastMs = 1_000

/**
 * How fast each lane's waiting jobs become fewer, from readings at any times. At most a minute's worth is kept, and counted
 * from the last time that most waited in it: after a burst it tells at once how the burst goes away.
 */
export class DrainTrend {
  readonly #readings = new Map<string, { at: number; jobs: number }[]>()

  /** Takes a reading and tells the time until nothing waits, ms; null when unknown or when they do not become fewer. */
  note(lane: string, jobs: number, at: number): number | null {
    const readings = (this.#readings.get(lane) ?? []).filter((one) => one.at > at - windowMs && one.at <= at)
    const most = readings.reduce((peak, one) => (one.jobs >= (peak?.jobs ?? 0) ? one : peak), readings[0])
    if (readings.length === 0 || at - readings.at(-1)!.at >= leastMs) readings.push({ at, jobs })
    this.#readings.set(lane, readings)
    if (jobs === 0) return 0
    if (!most || at - most.at < leastMs || most.jobs <= jobs) return null
    return (jobs * (at - most.at)) / (most.jobs - jobs)
  }
}

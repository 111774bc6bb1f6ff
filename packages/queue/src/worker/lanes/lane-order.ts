import type { Lane } from './lane.ts'

/** Chooses the lane that has the next free slot: start-time fair queueing between lanes, with slots kept for some. */
export class LaneOrder {
  readonly #lanes: readonly Lane[]
  readonly #concurrency: number
  #time = 0

  constructor(lanes: readonly Lane[], concurrency: number) {
    this.#lanes = lanes
    this.#concurrency = concurrency
  }

  /** The lane with work and the lowest virtual time that may have one of the free slots. */
  next(running: number): Lane | undefined {
    const free = this.#concurrency - running
    if (free <= 0) return undefined
    let keptForOthers = 0
    for (const lane of this.#lanes) keptForOthers += Math.max(0, lane.reservedSlots - lane.running)
    let next: Lane | undefined
    for (const lane of this.#lanes) {
      const kept = keptForOthers - Math.max(0, lane.reservedSlots - lane.running)
      if (free - kept <= 0 || (next && lane.tag >= next.tag) || !lane.canStart) continue
      next = lane
    }
    if (next) {
      // A lane that was idle starts at the present, without credit for the past.
      next.tag = Math.max(next.tag, this.#time)
      this.#time = next.tag
    }
    return next
  }
}

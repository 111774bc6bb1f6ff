import { Heap } from '../../../common/heap.ts'
import type { Head } from './head.ts'

/** The heads of one lane that can be served, over all shards that this process owns, by virtual time. */
export interface LaneOrder {
  name: string
  /** Of the service now going on: a head that becomes active starts here. */
  vtime: number
  paused: boolean
  heads: Heap<Head>
  /** When a worker of this process last asked for its work, by the monotonic clock. */
  askedAt: number
  /** Pages of heads of this lane that are being read back into memory. */
  loading: Set<Promise<void>>
}

export class Lanes {
  readonly #lanes = new Map<string, LaneOrder>()

  get(name: string): LaneOrder {
    let lane = this.#lanes.get(name)
    if (!lane) {
      lane = {
        name,
        vtime: 0,
        paused: false,
        heads: new Heap<Head>((a, b) => a.vtime < b.vtime || (a.vtime === b.vtime && a.number < b.number)),
        askedAt: performance.now(),
        loading: new Set(),
      }
      this.#lanes.set(name, lane)
    }
    return lane
  }

  all(): LaneOrder[] {
    return [...this.#lanes.values()]
  }
}

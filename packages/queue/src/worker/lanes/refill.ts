import { maxPageJobs } from '../../pages/page.ts'
import type { LaneRequest } from '../../stores/store.ts'

/** Enough work for this long is kept ready, so that claims overlap with handlers; more would only be hoarded. */
const readyAheadMs = 50
/** Of one claim; 28,000 jobs at once (6.7 MB) kept the event loop busy for 39 ms, and other lanes waiting. */
const claimBytes = 1024 * 1024

/** What a lane has in memory. */
export interface RefilledLane {
  readonly name: string
  readonly slots: number
  readonly bufferedBytes: number
  /** What the jobs in memory will take, ms. */
  readonly readyMs: number
  readonly averageCostMs: number
  /** Tenants with jobs in memory. */
  readonly tenantNames: string[]
  /** Those of them of which more would not run sooner. */
  readonly saturatedTenants: string[]
}

/** When a lane asks the store for more, and for how much. */
export class Refill {
  readonly #lane: RefilledLane
  /** Set when there may be new work: tenants with nothing in memory are then asked for even when the buffer is full. */
  #newcomers = true
  /** Set when the store had nothing more: not asked again before somebody says there is new work. */
  #dry = false
  #wakes = 0
  #lastHeads = 1

  constructor(lane: RefilledLane) {
    this.#lane = lane
  }

  /** There may be new work in the store. */
  wake(): void {
    this.#wakes++
    this.#newcomers = true
    this.#dry = false
  }

  /** Call when a request is sent; call the result with the number of pages that came back. */
  asked(): (pages: number) => void {
    this.#newcomers = false
    const wakes = this.#wakes
    return (pages) => {
      if (pages === 0 && wakes === this.#wakes) this.#dry = true
    }
  }

  /** A claim brought work of so many tenants. */
  claimed(heads: number): void {
    this.#lastHeads = Math.max(1, heads)
  }

  wants(budgetBytes: number): boolean {
    return this.#isLow(budgetBytes) || (this.#newcomers && this.#lane.bufferedBytes < budgetBytes * 1.25)
  }

  request(budgetBytes: number): LaneRequest | undefined {
    if (!this.wants(budgetBytes)) return undefined
    const { name, slots, bufferedBytes, averageCostMs } = this.#lane
    if (this.#isLow(budgetBytes)) {
      const pages = Math.ceil((slots * readyAheadMs) / (maxPageJobs * averageCostMs))
      const pagesPerHead = Math.min(16, Math.max(1, Math.ceil(pages / this.#lastHeads)))
      const maxBytes = Math.min(claimBytes, Math.ceil(budgetBytes - bufferedBytes))
      return { lane: name, heads: 200, pagesPerHead, maxBytes, slots, skip: this.#lane.saturatedTenants }
    }
    // A quarter on top of the budget is kept for tenants that have nothing here: a flood must not close the door on them.
    const maxBytes = Math.min(claimBytes, Math.ceil(budgetBytes * 1.25 - bufferedBytes))
    return { lane: name, heads: 200, pagesPerHead: 1, maxBytes, slots, skip: this.#lane.tenantNames }
  }

  #isLow(budgetBytes: number): boolean {
    const { slots, bufferedBytes, readyMs } = this.#lane
    return !this.#dry && readyMs < (slots * readyAheadMs) / 2 && bufferedBytes < budgetBytes
  }
}

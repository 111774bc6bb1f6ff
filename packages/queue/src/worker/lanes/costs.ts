/** Weight of the newest measurement in an estimate. */
const newest = 0.2
/** An estimate is never zero: what costs nothing would be served without end. */
const least = 0.001

/** What one job of a kind costs, in ms: an average that weighs recent jobs more. */
export class CostEstimate {
  ms: number
  /** Measured here, or told by the store; not just the default. */
  known: boolean

  constructor(ms: number, known: boolean) {
    this.ms = Math.max(least, ms)
    this.known = known
  }

  learn(ms: number): void {
    this.ms = this.known ? Math.max(least, this.ms + newest * (ms - this.ms)) : Math.max(least, ms)
    this.known = true
  }

  /** One has run for `ms` already: of a kind that nobody knows yet, it is the least that one costs. */
  raiseTo(ms: number): void {
    if (!this.known) this.ms = Math.max(this.ms, ms)
  }
}

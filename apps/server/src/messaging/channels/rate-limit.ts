const maxPaceMs = 3_600_000

/**
 * Token bucket of one provider in this process. What it refuses gets a time to come back, one send apart, so that a
 * backlog is spread out instead of returning all at once.
 */
export class RateLimit {
  readonly #perSecond: number
  readonly #burst: number
  #tokens: number
  #filledAt = 0
  #nextTurn = 0

  /** `perSecond` 0 means without a limit. */
  constructor(perSecond: number) {
    this.#perSecond = perSecond
    this.#burst = Math.max(1, perSecond)
    this.#tokens = this.#burst
  }

  /** How many sends may go now. */
  room(nowMs: number): number {
    if (this.#perSecond <= 0) return Number.POSITIVE_INFINITY
    if (this.#filledAt > 0) {
      const earned = ((nowMs - this.#filledAt) / 1000) * this.#perSecond
      this.#tokens = Math.min(this.#burst, this.#tokens + Math.max(earned, 0))
    }
    this.#filledAt = nowMs
    return Math.floor(this.#tokens)
  }

  /** How many of `wanted` sends may go now; they are counted. */
  take(wanted: number, nowMs: number): number {
    const granted = Math.min(wanted, this.room(nowMs))
    this.#tokens -= granted
    return granted
  }

  /** Gives back what {@link take} granted and was not sent. */
  giveBack(count: number): void {
    this.#tokens = Math.min(this.#burst, this.#tokens + count)
  }

  /** Milliseconds after which a refused send should try again. */
  nextTurnMs(nowMs: number): number {
    if (this.#perSecond <= 0) return 0
    this.#nextTurn = Math.max(this.#nextTurn, nowMs) + 1000 / this.#perSecond
    const wait = Math.ceil(this.#nextTurn - nowMs)
    if (wait <= maxPaceMs) return wait
    this.#nextTurn = nowMs + maxPaceMs
    return maxPaceMs
  }
}

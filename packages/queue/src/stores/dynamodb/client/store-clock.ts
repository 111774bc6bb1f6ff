/** How far two clocks may drift apart in a millisecond: 200 ppm, more than twice what a bad quartz does. */
const driftPerMs = 0.0002

/**
 * DynamoDB's clock, told by the `Date` headers of its answers, so that machines whose own clocks are a minute apart agree on
 * due times. The header has whole seconds only; but every answer says that the server's time lay within one second of what
 * it says, between two moments of this machine's monotonic clock. The intersection of what many answers say is a few
 * milliseconds wide: an answer just after the turn of a second cuts off one side, one just before it the other.
 */
export class StoreClock {
  readonly #given: (() => number) | undefined
  /** Bounds of (server's time − monotonic time), as of `#at`. */
  #lowest = Number.NEGATIVE_INFINITY
  #highest = Number.POSITIVE_INFINITY
  #at = 0

  /** `now` overrides all measurement, for tests. */
  constructor(now?: () => number) {
    this.#given = now
  }

  now(): number {
    if (this.#given) return this.#given()
    // Nothing heard yet: this machine's clock is the best guess.
    if (!Number.isFinite(this.#lowest)) return Date.now()
    return Math.round(performance.now() + (this.#lowest + this.#highest) / 2)
  }

  /** An answer that left after `sentAt` and came before `receivedAt` (monotonic ms) carried this header. */
  observe(date: string | undefined, sentAt: number, receivedAt: number): void {
    const second = date === undefined ? Number.NaN : Date.parse(date)
    if (Number.isNaN(second)) return
    const widening = (receivedAt - this.#at) * driftPerMs
    const lowest = second - receivedAt
    const highest = second + 1_000 - sentAt
    this.#lowest = Math.max(this.#lowest - widening, lowest)
    this.#highest = Math.min(this.#highest + widening, highest)
    this.#at = receivedAt
    // The server's clock was set, or another server answered: begin anew.
    if (this.#lowest > this.#highest) {
      this.#lowest = lowest
      this.#highest = highest
    }
  }

  /** Half the width of what is known, in ms. */
  get uncertainty(): number {
    return this.#given ? 0 : (this.#highest - this.#lowest) / 2
  }
}

import type { Connection } from './connection.ts'

/** Heartbeats measure far more often; a process that only adds has none. */
const measureEveryMs = 60_000

/**
 * The database's clock, from its answers. In between this process's monotonic clock goes on: whoever sets the machine's
 * clock makes nothing due early or late.
 */
export class DatabaseClock {
  readonly #connection: Connection
  readonly #given: (() => number) | undefined
  /** Epoch ms of the database minus the monotonic clock. */
  #offset = Date.now() - performance.now()
  #measuredAt = Number.NEGATIVE_INFINITY
  #measuring = false

  /** `given`: another clock to go by. */
  constructor(connection: Connection, given: (() => number) | undefined) {
    this.#connection = connection
    this.#given = given
  }

  now(): number {
    if (this.#given) return this.#given()
    const at = performance.now()
    if (at - this.#measuredAt > measureEveryMs && !this.#measuring) void this.measure().catch(() => {})
    return at + this.#offset
  }

  async measure(): Promise<void> {
    if (this.#given || this.#measuring) return
    this.#measuring = true
    try {
      const sent = performance.now()
      const [row] = await this.#connection.run<{ at: number }>(
        'clock',
        'select extract(epoch from clock_timestamp())::float8 * 1000 as at',
      )
      const received = performance.now()
      this.#offset = row!.at - (sent + received) / 2
      this.#measuredAt = received
    } finally {
      this.#measuring = false
    }
  }
}

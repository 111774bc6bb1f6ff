import { defaultRetry } from './backoff.ts'
import { pause, Signal } from './signal.ts'
import type { Store } from './store.ts'

/** Rows moved by one statement at most, so that a million jobs due at once neither block others nor fill memory. */
const promoteRows = 1_000
/** How often due work is looked for when nothing is known to become due earlier. */
const promoteEveryMs = 500
const collectEveryMs = 60_000

/**
 * What some process must do now and then: move due jobs to their heads, return the work of silent workers, forget idle
 * heads. Every process with a worker does all of it; they share the rows without a leader (SKIP LOCKED).
 */
export class Maintenance {
  readonly #store: Store
  readonly #onReady: () => void
  readonly #signal = new Signal()
  readonly #timers: NodeJS.Timeout[] = []
  readonly #promoting: Promise<void>
  #nextDueAt: number | undefined
  #closed = false

  constructor(store: Store, leaseMs: number, onReady: () => void) {
    this.#store = store
    this.#onReady = onReady
    this.#timers.push(
      setInterval(() => void this.#reap(), leaseMs / 4),
      setInterval(() => void this.#store.collect().catch(() => {}), collectEveryMs),
    )
    this.#promoting = this.#promoteLoop()
    void this.#reap()
  }

  /** Something was scheduled, for `dueAt` when that is known. */
  scheduled(dueAt?: number): void {
    if (dueAt === undefined || this.#nextDueAt === undefined || dueAt < this.#nextDueAt) {
      this.#nextDueAt = dueAt ?? this.#store.now()
      this.#signal.raise()
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const timer of this.#timers) clearInterval(timer)
    this.#signal.raise()
    await this.#promoting
  }

  async #promoteLoop(): Promise<void> {
    while (!this.#closed) {
      try {
        const { jobs, nextDueAt } = await this.#store.promote(promoteRows)
        this.#nextDueAt = nextDueAt
        if (jobs > 0) {
          this.#onReady()
          continue
        }
        const untilDue = nextDueAt === undefined ? promoteEveryMs : nextDueAt - this.#store.now()
        await this.#signal.wait(Math.min(promoteEveryMs, Math.max(1, untilDue)))
      } catch {
        await pause(promoteEveryMs)
      }
    }
  }

  async #reap(): Promise<void> {
    try {
      if ((await this.#store.reap({ maxAttempts: defaultRetry.maxAttempts })) > 0) this.scheduled()
    } catch {
      // The store is away; the next round tries again.
    }
  }
}

import { pause, Signal } from '../common/signal.ts'
import { lossLimits } from '../stores/returned-jobs.ts'
import type { Store } from '../stores/store.ts'
import type { Schedules } from './schedules.ts'

/** Rows moved by one statement at most, so that a million jobs due at once neither block others nor fill memory. */
const promoteRows = 1_000
/** How often due work is looked for when nothing is known to become due earlier. */
const promoteEveryMs = 500
/** A dead worker's jobs go to others this long after its lease ended, at most. */
const reapEveryMs = 1_000
const collectEveryMs = 20_000
const tidyEveryMs = 3_000
const schedulesEveryMs = 1_000

export interface Retention {
  /** Dead letters older than this are removed. Default 30 days. */
  maxAgeMs: number
  /** Of more bytes of dead letters than this the oldest are removed. Default 1 GiB. */
  maxBytes: number
}

/**
 * What some process must do now and then: move due jobs to their heads, return the work of silent workers, fire schedules,
 * forget what is no longer needed. Every process with a worker does all of it; they share the rows without a leader.
 */
export class Maintenance {
  readonly #store: Store
  readonly #schedules: Schedules
  readonly #retention: Retention
  readonly #onReady: () => void
  readonly #signal = new Signal()
  readonly #timers: NodeJS.Timeout[] = []
  readonly #promoting: Promise<void>
  readonly #underWay = new Set<Promise<unknown>>()
  #nextDueAt: number | undefined
  #closed = false

  constructor(store: Store, schedules: Schedules, retention: Retention, onReady: () => void) {
    this.#store = store
    this.#schedules = schedules
    this.#retention = retention
    this.#onReady = onReady
    this.#every(reapEveryMs, () => this.#reap())
    this.#every(schedulesEveryMs, () => this.#fire())
    this.#every(collectEveryMs, () => this.#collect())
    if (store.tidy) this.#every(tidyEveryMs, () => store.tidy!())
    this.#promoting = this.#promoteLoop()
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
    await Promise.all(this.#underWay)
  }

  /** Runs `work` again and again, never twice at once; when the store is away, the next round tries again. */
  #every(ms: number, work: () => Promise<void>): void {
    let busy = false
    this.#timers.push(
      setInterval(() => {
        if (busy) return
        busy = true
        const run = work()
          .catch(() => {})
          .finally(() => {
            busy = false
            this.#underWay.delete(run)
          })
        this.#underWay.add(run)
      }, ms),
    )
  }

  async #promoteLoop(): Promise<void> {
    while (!this.#closed) {
      try {
        let announced = false
        const { jobs, nextDueAt } = await this.#store.promote(promoteRows, () => {
          announced = true
          this.#onReady()
        })
        this.#nextDueAt = nextDueAt
        if (jobs > 0 && !announced) this.#onReady()
        if (jobs >= promoteRows) continue
        const untilDue = nextDueAt === undefined ? promoteEveryMs : nextDueAt - this.#store.now()
        await this.#signal.wait(Math.min(promoteEveryMs, Math.max(1, untilDue)))
      } catch {
        await pause(promoteEveryMs)
      }
    }
  }

  async #reap(): Promise<void> {
    if ((await this.#store.reap(lossLimits)) === 0) return
    this.scheduled()
    this.#onReady()
  }

  async #fire(): Promise<void> {
    if ((await this.#schedules.fireDue()).fired > 0) this.#onReady()
  }

  async #collect(): Promise<void> {
    await this.#store.collect()
    await this.#store.retainDead(this.#retention)
  }
}

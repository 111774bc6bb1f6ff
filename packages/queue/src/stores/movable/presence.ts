import { randomBytes } from 'node:crypto'
import { QueueUnavailable } from '../../api/errors.ts'
import { Signal } from '../../common/signal.ts'
import type { Place } from './place.ts'
import { type PlaceLog, silentMs } from './place-log.ts'

const beatMs = 1_000
/** While something moves, everybody waits for the slowest. */
const hurriedBeatMs = 100
/** How long an operation waits until it is known where it belongs. */
const patienceMs = 30_000

/**
 * What this process knows of where the jobs are, and tells of what it has seen. A turn is seen when no operation that began
 * under an earlier one is under way any more: whoever changes the phase waits for everybody to have seen the one before.
 */
export class Presence {
  readonly #log: PlaceLog
  readonly #id = randomBytes(9).toString('base64url')
  readonly #held: () => number
  readonly #onTurn: (place: Place) => void
  /** Operations under way, by the turn they began under. */
  readonly #underWay = new Map<number, number>()
  readonly #waiting = new Set<() => void>()
  readonly #hurry = new Signal()
  #place: Place | undefined
  #knownAt = Number.NEGATIVE_INFINITY
  #asking: Promise<void> | undefined
  #beating: Promise<void> | undefined
  #closed = false

  /** `held`: leases of this process, of the store that is left. */
  constructor(log: PlaceLog, held: () => number, onTurn: (place: Place) => void) {
    this.#log = log
    this.#held = held
    this.#onTurn = onTurn
  }

  /** Undefined: what was known is too old to act upon. */
  get place(): Place | undefined {
    return performance.now() - this.#knownAt < silentMs ? this.#place : undefined
  }

  /** Undefined: nothing was ever known. What was known last may have changed. */
  get latest(): Place | undefined {
    return this.#place
  }

  /** What is known, reading it if need be. Rejects with QueueUnavailable. */
  async know(): Promise<Place> {
    // Not known yet, or this process stood still for a while.
    if (!this.place) await this.#ask()
    this.#beating ??= this.#beatOnAndOn()
    const { place } = this
    if (!place)
      throw new QueueUnavailable('It is not known where the jobs are: PostgreSQL is slow to answer', 1_000)
    return place
  }

  /**
   * Runs `work` in the place that `choose` names, waiting for as long as it names none, and keeps the phase from ending
   * meanwhile.
   */
  async run<T>(
    choose: (place: Place) => string | undefined,
    work: (chosen: string, place: Place) => Promise<T>,
  ): Promise<T> {
    const giveUpAt = performance.now() + patienceMs
    for (;;) {
      const place = await this.know()
      const chosen = choose(place)
      if (chosen !== undefined) return this.hold(place, () => work(chosen, place))
      if (performance.now() > giveUpAt)
        throw new QueueUnavailable('The queue is being moved to another store; nothing was stored', 1_000)
      await new Promise<void>((resolve) => this.#waiting.add(resolve))
    }
  }

  /** `place` must be what is known now. */
  async hold<T>({ turn }: Place, work: () => Promise<T>): Promise<T> {
    this.#underWay.set(turn, (this.#underWay.get(turn) ?? 0) + 1)
    try {
      return await work()
    } finally {
      const left = this.#underWay.get(turn)! - 1
      if (left > 0) this.#underWay.set(turn, left)
      else this.#underWay.delete(turn)
    }
  }

  /** Looks at once, because this process has just changed something. */
  look(): void {
    this.#hurry.raise()
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#hurry.raise()
    await this.#beating
    if (this.#place) await this.#log.leave(this.#id).catch(() => {})
    this.#release()
  }

  #ask(): Promise<void> {
    this.#asking ??= this.#beat().finally(() => {
      this.#asking = undefined
    })
    return this.#asking
  }

  async #beatOnAndOn(): Promise<void> {
    while (!this.#closed) {
      await this.#hurry.wait(this.#place?.phase === 'steady' ? beatMs : hurriedBeatMs)
      if (!this.#closed) await this.#beat().catch(() => {})
      // Who waits asks again, and gives up when it has waited for long.
      this.#release()
    }
  }

  async #beat(): Promise<void> {
    const startedAt = performance.now()
    const seen = Math.min(this.#place?.turn ?? 0, ...this.#underWay.keys())
    const place = await this.#log.beat(this.#id, seen, this.#held())
    const turned = place.turn !== this.#place?.turn
    this.#place = place
    this.#knownAt = startedAt
    if (!turned) return
    this.#onTurn(place)
    this.#hurry.raise()
  }

  #release(): void {
    for (const resolve of this.#waiting) resolve()
    this.#waiting.clear()
  }
}

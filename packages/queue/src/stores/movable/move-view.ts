import { randomBytes } from 'node:crypto'
import { QueueUnavailable } from '../../api/errors.ts'
import { Signal } from '../../common/signal.ts'
import { type MoveLog, silentMs } from './move-log.ts'
import type { MoveState } from './move-state.ts'

const beatMs = 1_000
/** While something moves, everybody waits for the slowest. */
const hurriedBeatMs = 100
/** How long an operation waits until it is known where it belongs. */
const patienceMs = 30_000

/**
 * What this process knows of where the jobs are, and tells of what it has seen. A turn is seen when no operation that began
 * under an earlier one is under way any more: whoever changes the phase waits for everybody to have seen the one before.
 */
export class MoveView {
  readonly #log: MoveLog
  readonly #id = randomBytes(9).toString('base64url')
  readonly #countHeld: () => number
  readonly #onTurn: (state: MoveState) => void
  /** Operations under way, by the turn they began under. */
  readonly #underWay = new Map<number, number>()
  readonly #waiting = new Set<() => void>()
  readonly #refreshNow = new Signal()
  #state: MoveState | undefined
  #knownAt = Number.NEGATIVE_INFINITY
  #asking: Promise<void> | undefined
  #beating: Promise<void> | undefined
  #closed = false

  /** `held`: leases of this process, of the store that is left. */
  constructor(log: MoveLog, held: () => number, onTurn: (state: MoveState) => void) {
    this.#log = log
    this.#countHeld = held
    this.#onTurn = onTurn
  }

  /** Undefined: what was known is too old to act upon. */
  get state(): MoveState | undefined {
    return performance.now() - this.#knownAt < silentMs ? this.#state : undefined
  }

  /** Undefined: nothing was ever known. What was known last may have changed. */
  get latest(): MoveState | undefined {
    return this.#state
  }

  /** What is known, reading it if need be. Rejects with QueueUnavailable. */
  async current(): Promise<MoveState> {
    // Not known yet, or this process stood still for a while.
    if (!this.state) await this.#ask()
    this.#beating ??= this.#beatLoop()
    const { state } = this
    if (!state)
      throw new QueueUnavailable('It is not known where the jobs are: PostgreSQL is slow to answer', 1_000)
    return state
  }

  /**
   * Runs `work` in the place that `choose` names, waiting for as long as it names none, and keeps the phase from ending
   * meanwhile.
   */
  async run<T>(
    choose: (state: MoveState) => string | undefined,
    work: (chosen: string, state: MoveState) => Promise<T>,
  ): Promise<T> {
    const giveUpAt = performance.now() + patienceMs
    for (;;) {
      const state = await this.current()
      const chosen = choose(state)
      if (chosen !== undefined) return this.pin(state, () => work(chosen, state))
      if (performance.now() > giveUpAt)
        throw new QueueUnavailable('The queue is being moved to another store; nothing was stored', 1_000)
      await new Promise<void>((resolve) => this.#waiting.add(resolve))
    }
  }

  /** `state` must be what is known now. */
  async pin<T>({ turn }: MoveState, work: () => Promise<T>): Promise<T> {
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
  refresh(): void {
    this.#refreshNow.raise()
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#refreshNow.raise()
    await this.#beating
    if (this.#state) await this.#log.leave(this.#id).catch(() => {})
    this.#release()
  }

  #ask(): Promise<void> {
    this.#asking ??= this.#beat().finally(() => {
      this.#asking = undefined
    })
    return this.#asking
  }

  async #beatLoop(): Promise<void> {
    while (!this.#closed) {
      await this.#refreshNow.wait(this.#state?.phase === 'steady' ? beatMs : hurriedBeatMs)
      if (!this.#closed) await this.#beat().catch(() => {})
      // Who waits asks again, and gives up when it has waited for long.
      this.#release()
    }
  }

  async #beat(): Promise<void> {
    const startedAt = performance.now()
    const seen = Math.min(this.#state?.turn ?? 0, ...this.#underWay.keys())
    const state = await this.#log.beat(this.#id, seen, this.#countHeld())
    const turned = state.turn !== this.#state?.turn
    this.#state = state
    this.#knownAt = startedAt
    if (!turned) return
    this.#onTurn(state)
    this.#refreshNow.raise()
  }

  #release(): void {
    for (const resolve of this.#waiting) resolve()
    this.#waiting.clear()
  }
}

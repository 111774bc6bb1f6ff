import { pause, Signal } from '../../common/signal.ts'
import { lossLimits } from '../returned-jobs.ts'
import type { Section, Store } from '../store.ts'
import type { MoveLog } from './move-log.ts'
import type { MoveState } from './move-state.ts'
import type { MoveView } from './move-view.ts'
import { PageMover } from './page-mover.ts'
import { moveSection, moveWholeSection } from './sections.ts'

/** When nothing was found, look again after this long; rung by who adds work to the store that is left. */
const pauseMs = { busy: 20, idle: 500 }
/** Adds are held up for at most this long; then they go on, and the end of the move is tried again later. */
const maxClosingMs = 10_000
const closeAgainMs = 5_000
/** So much is left in the source at most when adds are held up for it. */
const smallRest = 2_000
/** Latecomers are waited for this long after adds have begun to go to the target. */
const clearingMs = 5_000
const openEverythingEveryMs = 1_000
/** In a steady state: what processes that slept through a move have stored in the store that was left. */
const latecomersEveryMs = 5_000
/** Counting what is left must not become the load: the more there is, the more seldom. */
const countEveryMs = 500

/** What changes places while work goes on. */
const onTheWay: Section[] = ['scheduled', 'cancelled', 'progress', 'dead']

interface Parts {
  stores: Record<string, Store>
  /** The store with transactions: what they add is brought to where the jobs are. */
  home: string
  log: MoveLog
  view: MoveView
  onError: (error: unknown) => void
}

/**
 * Moves the queue: every process with a worker moves pages, one of them leads, that is, moves the rest and ends the phases.
 * Who leads may die at any time: every step may be repeated, and the next one goes on.
 */
export class Mover {
  readonly #parts: Parts
  readonly #signal = new Signal()
  readonly #running: Promise<void>
  #pageMover: { pages: PageMover; move: string } | undefined
  #turn: { turn: number; since: number } = { turn: 0, since: 0 }
  #openedAt = Number.NEGATIVE_INFINITY
  #latecomersAt = Number.NEGATIVE_INFINITY
  #countAgainAt = Number.NEGATIVE_INFINITY
  #uncounted = 0
  #closed = false

  constructor(parts: Parts) {
    this.#parts = parts
    this.#running = this.#run()
  }

  wake(): void {
    this.#signal.raise()
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#signal.raise()
    await this.#running
    await this.#pageMover?.pages.close()
  }

  async #run(): Promise<void> {
    while (!this.#closed)
      try {
        const state = await this.#parts.view.current()
        const moved = await this.#parts.view.pin(state, () => this.#step(state))
        if (moved > 0) continue
        const busy = state.phase !== 'steady'
        await this.#signal.wait(busy ? pauseMs.busy : pauseMs.idle)
      } catch (error) {
        this.#parts.onError(error)
        await pause(pauseMs.idle)
      }
  }

  /** Returns how much was moved. */
  async #step(state: MoveState): Promise<number> {
    if (state.turn !== this.#turn.turn) this.#turn = { turn: state.turn, since: performance.now() }
    const { phase } = state
    if (phase === 'steady') return this.#steady(state)
    const pages = phase === 'preparing' ? 0 : await this.#movePages(state)
    if (!(await this.#parts.log.lead())) return pages
    return pages + (await this.#lead(state, pages))
  }

  /** Jobs added by transactions, and latecomers. */
  async #steady(state: MoveState): Promise<number> {
    const { home, log, stores } = this.#parts
    if (state.target === home || !(await log.lead())) {
      await this.#closePageMover()
      return 0
    }
    const added = await moveSection(stores[home]!, stores[state.target]!, 'scheduled', this.#origin(state))
    if (added > 0 || performance.now() - this.#latecomersAt < latecomersEveryMs) return added
    this.#latecomersAt = performance.now()
    return this.#movePages({ ...state, source: home })
  }

  async #lead(state: MoveState, pages: number): Promise<number> {
    switch (state.phase) {
      case 'preparing':
        return this.#prepare(state)
      case 'moving':
        return this.#move(state, pages)
      case 'closing':
        return this.#finish(state, pages)
      default:
        return this.#clear(state, pages)
    }
  }

  /** Nobody claims: controls and schedules are in the target before the first job is. */
  async #prepare(state: MoveState): Promise<number> {
    if (!(await this.#allHaveSeen(state))) return 0
    const { from, to } = this.#ends(state)
    for (const { lane, paused } of await from.stats())
      if (paused) {
        await to.pauseLane(lane, true)
        await from.pauseLane(lane, false)
      }
    for (;;) {
      const rows = await from.dump('tenants', 100)
      if (rows.length === 0) break
      await to.load('tenants', rows, this.#origin(state))
      // In the source nothing holds them up any more: their pages can be taken.
      for (const { value } of rows) await from.setControls(value.tenant, noControls)
      await from.erase('tenants', rows)
    }
    await moveWholeSection(from, to, 'schedules', this.#origin(state))
    await this.#advance(state, 'moving')
    return 1
  }

  async #move(state: MoveState, pages: number): Promise<number> {
    const moved = await this.#moveSections(state, onTheWay)
    if (moved + pages > smallRest || performance.now() < this.#countAgainAt) return moved
    // What workers still hold of the source comes to its end before adds are held up for the rest.
    const { held } = await this.#parts.log.roll(state.turn)
    const startedAt = performance.now()
    const remaining = await this.#ends(state).from.remaining()
    const endedAt = performance.now()
    this.#countAgainAt = endedAt + Math.max(countEveryMs, 10 * (endedAt - startedAt))
    if (held === 0 && remaining <= smallRest) await this.#advance(state, 'closing')
    return moved
  }

  async #finish(state: MoveState, pages: number): Promise<number> {
    if (!(await this.#allHaveSeen(state))) return 0
    const moved = await this.#moveSections(state, ['scheduled'])
    if (moved + pages > 0) return moved
    if ((await this.#ends(state).from.remaining()) === 0) await this.#advance(state, 'clearing')
    else if (this.#sinceTurn() > maxClosingMs) {
      this.#countAgainAt = performance.now() + closeAgainMs
      await this.#advance(state, 'moving')
    }
    return moved
  }

  async #clear(state: MoveState, pages: number): Promise<number> {
    const moved = await this.#moveSections(state, [...onTheWay, 'unique', 'tenants', 'schedules'])
    if (moved + pages > 0 || this.#sinceTurn() < clearingMs) return moved
    if ((await this.#ends(state).from.remaining()) === 0) await this.#advance(state, 'steady')
    return moved
  }

  /** One round of each. */
  async #moveSections(state: MoveState, sections: Section[]): Promise<number> {
    const { from, to } = this.#ends(state)
    let moved = 0
    for (const section of sections) {
      const count = await moveSection(from, to, section, this.#origin(state))
      if (section === 'scheduled') await this.#count(count)
      moved += count
    }
    return moved
  }

  async #movePages(state: MoveState): Promise<number> {
    const { from, to } = this.#ends(state)
    if (this.#pageMover?.move !== state.move) {
      await this.#closePageMover()
      this.#pageMover = { pages: new PageMover(from, to, this.#origin(state)), move: state.move }
    }
    if (performance.now() - this.#openedAt > openEverythingEveryMs) {
      this.#openedAt = performance.now()
      await from.openEverything()
      // Where no worker is left to do it, as when only a command moves.
      await from.reap(lossLimits)
    }
    const jobs = await this.#pageMover.pages.move()
    await this.#count(jobs)
    return jobs
  }

  async #count(jobs: number): Promise<void> {
    this.#uncounted += jobs
    if (this.#uncounted === 0) return
    const count = this.#uncounted
    this.#uncounted = 0
    await this.#parts.log.countMoved(count)
  }

  async #closePageMover(): Promise<void> {
    await this.#pageMover?.pages.close()
    this.#pageMover = undefined
  }

  async #allHaveSeen({ turn }: MoveState): Promise<boolean> {
    // This very step holds the turn, so that this process has seen it when it is here; its row says so a moment later.
    return (await this.#parts.log.roll(turn)).behind === 0
  }

  async #advance(state: MoveState, phase: MoveState['phase']): Promise<void> {
    await this.#parts.log.advance(state.turn, phase)
    this.#parts.view.refresh()
  }

  #ends({ source, target }: MoveState): { from: Store; to: Store } {
    return { from: this.#parts.stores[source]!, to: this.#parts.stores[target]! }
  }

  #origin = ({ source, move }: MoveState): string => `${source}-${move}`

  #sinceTurn = (): number => performance.now() - this.#turn.since
}

const noControls = {
  weight: null,
  maxInFlight: null,
  rate: null,
  paused: null,
  maxJobs: null,
  maxBytes: null,
}

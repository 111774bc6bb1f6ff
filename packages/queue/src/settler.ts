import { pause } from './signal.ts'
import type { DeadJob, PageRef, ScheduledPage, Settlement, Store } from './store.ts'

/** A page in the hands of this worker. */
export interface HeldPage extends PageRef {
  bytes: number
  /** Jobs not yet settled. */
  remaining: number
  /** Positions finished since the last flush, while the page still has work. */
  finished: number[]
}

export interface SettlerEvents {
  /** Every job of these pages is settled and stored. */
  onSettled: (pages: HeldPage[]) => void
  /** These leases had gone to others: what was to be stored under them was not. */
  onLost: (leases: Set<number>) => void
  /** Jobs were stored to run again, the first of them at `dueAt`. */
  onScheduled: (dueAt: number) => void
}

/** How long positions of unfinished pages may wait before they are stored; bounds what a crash runs again. */
const partialFlushMs = 25

/**
 * Collects the ends of jobs and stores them in groups: one statement is under way at a time, and whatever ends meanwhile
 * goes with the next. Nothing is dropped when the store is away: it is tried again until the leases are lost.
 */
export class Settler {
  readonly #store: Store
  readonly #worker: number
  readonly #onSettled: (pages: HeldPage[]) => void
  readonly #onLost: (leases: Set<number>) => void
  readonly #onScheduled: (dueAt: number) => void
  #finishedPages: HeldPage[] = []
  #touchedPages = new Set<HeldPage>()
  #touchedInFlight: HeldPage[] = []
  #reschedule: Settlement['reschedule'] = []
  #dead: Settlement['dead'] = []
  readonly #corrections = new Map<string, Settlement['corrections'][number]>()
  /** Pages still to settle, per lease. */
  readonly #open = new Map<number, number>()
  #flushing: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #stopped = false

  constructor(store: Store, worker: number, events: SettlerEvents) {
    this.#store = store
    this.#worker = worker
    this.#onSettled = events.onSettled
    this.#onLost = events.onLost
    this.#onScheduled = events.onScheduled
  }

  hold(page: HeldPage): void {
    this.#open.set(page.lease, (this.#open.get(page.lease) ?? 0) + 1)
  }

  /** The job at `position` of `page` needs nothing more, or what it needs was handed to {@link reschedule} or {@link bury}. */
  finish(page: HeldPage, position: number): void {
    page.remaining--
    if (page.remaining > 0) {
      page.finished.push(position)
      this.#touchedPages.add(page)
      this.#timer ??= setTimeout(() => this.#flushSoon(), partialFlushMs)
    } else {
      this.#touchedPages.delete(page)
      this.#finishedPages.push(page)
      this.#flushSoon()
    }
  }

  reschedule(page: HeldPage, again: ScheduledPage): void {
    this.#reschedule.push({ ...again, lease: page.lease })
  }

  bury(page: HeldPage, job: DeadJob): void {
    this.#dead.push({ ...job, lease: page.lease })
  }

  /** Adds to what the store knows of a tenant's true cost. */
  correct(lane: string, tenant: string, cost: number, difference: number): void {
    const key = `${lane}\u0000${tenant}`
    const known = this.#corrections.get(key)
    if (known) {
      known.cost = cost
      known.difference += difference
    } else this.#corrections.set(key, { lane, tenant, cost, difference })
  }

  /** Resolves when everything collected so far is stored (or its lease lost). */
  async flush(): Promise<void> {
    while (this.#hasWork() || this.#flushing) {
      this.#flushSoon()
      await this.#flushing
    }
  }

  /** Leases are lost: nothing more is stored. */
  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
  }

  #hasWork(): boolean {
    return !this.#stopped && (this.#finishedPages.length > 0 || this.#touchedPages.size > 0)
  }

  #flushSoon(): void {
    if (this.#stopped) return
    clearTimeout(this.#timer)
    this.#timer = undefined
    // Jobs that end in the same turn of the event loop go together.
    this.#flushing ??= new Promise<void>((done) => setImmediate(done)).then(() => this.#flushAll())
  }

  async #flushAll(): Promise<void> {
    let delayMs = 50
    while (this.#hasWork()) {
      const { settlement, pages, partial } = this.#take()
      try {
        const held = await this.#store.settle(settlement)
        this.#confirm(settlement, held, pages)
        delayMs = 50
        // Unfinished pages need not be stored at once again.
        if (this.#finishedPages.length === 0 && partial) break
      } catch {
        this.#putBack(settlement, pages)
        await pause(delayMs)
        delayMs = Math.min(delayMs * 2, 2_000)
      }
    }
    this.#flushing = undefined
    if (this.#touchedPages.size > 0 && !this.#stopped)
      this.#timer ??= setTimeout(() => this.#flushSoon(), partialFlushMs)
  }

  #take() {
    const pages = this.#finishedPages
    const touched = [...this.#touchedPages]
    const emptied: number[] = []
    for (const page of pages) {
      const left = (this.#open.get(page.lease) ?? 1) - 1
      if (left > 0) this.#open.set(page.lease, left)
      else {
        this.#open.delete(page.lease)
        emptied.push(page.lease)
      }
    }
    const ref = ({ lease, lane, tenant, seq }: HeldPage) => ({ lease, lane, tenant, seq })
    const settlement: Settlement = {
      worker: this.#worker,
      finished: pages.map(ref),
      partial: touched.map((page) => ({ ...ref(page), positions: page.finished })),
      reschedule: this.#reschedule,
      dead: this.#dead,
      emptied,
      corrections: [...this.#corrections.values()],
    }
    for (const page of touched) page.finished = []
    this.#finishedPages = []
    this.#touchedPages = new Set()
    this.#touchedInFlight = touched
    this.#reschedule = []
    this.#dead = []
    this.#corrections.clear()
    return { settlement, pages, partial: touched.length > 0 }
  }

  #confirm(settlement: Settlement, held: Set<number>, pages: HeldPage[]): void {
    const lost = new Set<number>()
    for (const group of [settlement.finished, settlement.partial, settlement.reschedule, settlement.dead])
      for (const item of group)
        if (!held.has(item.lease)) {
          lost.add(item.lease)
          this.#open.delete(item.lease)
        }
    this.#onSettled(pages)
    if (settlement.reschedule.length > 0)
      this.#onScheduled(
        settlement.reschedule.reduce((first, page) => Math.min(first, page.dueAt), Number.POSITIVE_INFINITY),
      )
    if (lost.size > 0) this.#onLost(lost)
  }

  #putBack(settlement: Settlement, pages: HeldPage[]): void {
    for (const page of pages) this.#open.set(page.lease, (this.#open.get(page.lease) ?? 0) + 1)
    this.#finishedPages = [...pages, ...this.#finishedPages]
    for (const [index, page] of this.#touchedInFlight.entries()) {
      page.finished = [...settlement.partial[index]!.positions, ...page.finished]
      if (page.remaining > 0) this.#touchedPages.add(page)
    }
    this.#reschedule = [...settlement.reschedule, ...this.#reschedule]
    this.#dead = [...settlement.dead, ...this.#dead]
    for (const { lane, tenant, cost, difference } of settlement.corrections)
      this.correct(lane, tenant, cost, difference)
  }
}

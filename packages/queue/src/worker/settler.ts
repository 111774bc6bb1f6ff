import { pause } from '../common/signal.ts'
import type { ScheduledPage } from '../pages/page.ts'
import type { DeadJob, PageRef, Settlement, Store } from '../stores/store.ts'
import type { HeldPage } from './lanes/ready-job.ts'

export interface SettlerEvents {
  /** Every job of these pages is settled and stored. */
  onSettled: (pages: HeldPage[]) => void
  /** These leases had gone to others: what was to be stored under them was not. */
  onLost: (leases: Set<number>) => void
  /** Jobs were stored to run again, the first of them at `dueAt`. */
  onScheduled: (dueAt: number) => void
  /** The store did not take a settlement; it is sent again. */
  onError: (error: unknown) => void
}

/** How long positions of unfinished pages may wait before they are stored; bounds what a crash runs again. */
const partialFlushMs = 25

type Collected = Omit<
  Settlement,
  'worker' | 'number' | 'finished' | 'partial' | 'emptied' | 'released' | 'corrections'
>
const nothing = (): Collected => ({
  restore: [],
  reschedule: [],
  dead: [],
  closed: [],
  blobs: [],
  cancelled: [],
  progressed: [],
})

/**
 * Collects the ends of jobs and stores them in groups: one statement is under way at a time, and whatever ends meanwhile
 * goes with the next. Nothing is dropped when the store is away: the same settlement is sent, under its number, until it is
 * stored or the leases are lost.
 */
export class Settler {
  readonly #store: Store
  readonly #worker: number
  readonly #onSettled: (pages: HeldPage[]) => void
  readonly #onLost: (leases: Set<number>) => void
  readonly #onScheduled: (dueAt: number) => void
  readonly #onError: (error: unknown) => void
  /** Pages whose every job is settled; those that are restored are not to be deleted. */
  #endedPages: HeldPage[] = []
  #restoredPages = new Set<HeldPage>()
  #touchedPages = new Set<HeldPage>()
  #collected = nothing()
  readonly #corrections = new Map<string, Settlement['corrections'][number]>()
  /** Pages still to settle, per lease. */
  readonly #open = new Map<number, number>()
  /** The same per lease and tenant, of those with a grant. */
  readonly #openGrants = new Map<string, number>()
  /** Ended in the settlement under way: in the store they are held until it has arrived. */
  #leaving: number[] = []
  #number = 0
  #flushing: Promise<void> | undefined
  /** When the settlement under way was first sent. */
  #sendingSince: number | undefined
  /** Ends the wait for its answer. */
  #giveUp: () => void = () => {}
  #timer: NodeJS.Timeout | undefined
  #stopped = false

  constructor(store: Store, worker: number, events: SettlerEvents) {
    this.#store = store
    this.#worker = worker
    this.#onSettled = events.onSettled
    this.#onLost = events.onLost
    this.#onScheduled = events.onScheduled
    this.#onError = events.onError
  }

  track(page: HeldPage): void {
    count(this.#open, page.lease, 1)
    if (page.granted) count(this.#openGrants, grantOf(page), 1)
  }

  /** Leases that the store may think this worker holds. */
  get leases(): number[] {
    return [...this.#open.keys(), ...this.#leaving]
  }

  /** Since when the store owes the answer to a settlement; undefined when it owes none. */
  get sendingSince(): number | undefined {
    return this.#sendingSince
  }

  /** The job at `position` of `page` needs nothing more, or what it needs was handed to {@link reschedule} or {@link bury}. */
  finish(page: HeldPage, position: number): void {
    page.remaining--
    if (page.remaining > 0) {
      page.finished.push(position)
      this.#touchedPages.add(page)
      this.#timer ??= setTimeout(() => this.#flushSoon(), partialFlushMs)
    } else this.#end(page)
  }

  /** The page of an exclusive stream goes back to its place with what is left of it. */
  restore(page: HeldPage, rest: { jobs: number; bytes: number; body: string }, openAt: number): void {
    const { lease, lane, tenant, stream, seq, firstAt } = page
    this.#collected.restore.push({ lease, lane, tenant, stream, seq, firstAt, openAt, ...rest })
    this.#restoredPages.add(page)
    page.remaining = 0
    this.#end(page)
  }

  reschedule(page: HeldPage, again: ScheduledPage): void {
    this.#collected.reschedule.push({ ...again, lease: page.lease })
  }

  bury(page: HeldPage, job: DeadJob): void {
    this.#collected.dead.push({ ...job, lease: page.lease })
  }

  /** Nothing of the tenant is claimed before `until`, epoch ms. */
  close(lane: string, tenant: string, until: number): void {
    this.#collected.closed.push({ lane, tenant, until })
    this.#flushSoon()
  }

  dropBlob(id: string): void {
    this.#collected.blobs.push(id)
  }

  dropMark(lane: string, tenant: string, id: string): void {
    this.#collected.cancelled.push({ lane, tenant, id })
  }

  dropProgress(id: string): void {
    this.#collected.progressed.push(id)
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
    this.#giveUp()
  }

  #end(page: HeldPage): void {
    this.#touchedPages.delete(page)
    this.#endedPages.push(page)
    this.#flushSoon()
  }

  #hasWork(): boolean {
    if (this.#stopped) return false
    const { closed } = this.#collected
    return this.#endedPages.length + this.#touchedPages.size + closed.length + this.#corrections.size > 0
  }

  #flushSoon(): void {
    if (this.#stopped) return
    clearTimeout(this.#timer)
    this.#timer = undefined
    // Jobs that end in the same turn of the event loop go together.
    this.#flushing ??= new Promise<void>((done) => setImmediate(done)).then(() => this.#flushAll())
  }

  async #flushAll(): Promise<void> {
    while (this.#hasWork()) {
      const pages = this.#endedPages
      const settlement = this.#take()
      this.#leaving = settlement.emptied
      this.#sendingSince = performance.now()
      const held = await this.#send(settlement)
      this.#sendingSince = undefined
      this.#leaving = []
      if (!held) break
      this.#confirm(settlement, held, pages)
      // Unfinished pages need not be stored at once again.
      if (this.#endedPages.length === 0 && settlement.partial.length > 0) break
    }
    this.#flushing = undefined
    if (this.#touchedPages.size > 0 && !this.#stopped)
      this.#timer ??= setTimeout(() => this.#flushSoon(), partialFlushMs)
  }

  /** Undefined: the leases were lost meanwhile. */
  async #send(settlement: Settlement): Promise<Set<number> | undefined> {
    for (let delayMs = 50; ; delayMs = Math.min(delayMs * 2, 2_000))
      try {
        return await this.#answerTo(settlement)
      } catch (error) {
        this.#onError(error)
        if (this.#stopped) return undefined
        await pause(delayMs)
        if (this.#stopped) return undefined
      }
  }

  /** Undefined once stopped: the store may never answer. */
  #answerTo(settlement: Settlement): Promise<Set<number> | undefined> {
    return new Promise((resolve, reject) => {
      this.#giveUp = () => resolve(undefined)
      this.#store.settle(settlement).then(resolve, reject)
    })
  }

  #take(): Settlement {
    const emptied: number[] = []
    const released: Settlement['released'] = []
    const finished: PageRef[] = []
    for (const page of this.#endedPages) {
      const { lease, lane, tenant, stream, seq } = page
      if (!this.#restoredPages.has(page)) finished.push({ lease, lane, tenant, stream, seq })
      if (count(this.#open, lease, -1) === 0) emptied.push(lease)
      if (page.granted && count(this.#openGrants, grantOf(page), -1) === 0)
        released.push({ lease, lane, tenant })
    }
    const partial = [...this.#touchedPages].map((page) => {
      const { lease, lane, tenant, stream, seq } = page
      const positions = page.finished
      page.finished = []
      return { lease, lane, tenant, stream, seq, positions }
    })
    const settlement: Settlement = {
      worker: this.#worker,
      number: ++this.#number,
      finished,
      partial,
      emptied,
      released,
      corrections: [...this.#corrections.values()],
      ...this.#collected,
    }
    this.#endedPages = []
    this.#restoredPages = new Set()
    this.#touchedPages = new Set()
    this.#collected = nothing()
    this.#corrections.clear()
    return settlement
  }

  #confirm(settlement: Settlement, held: Set<number>, pages: HeldPage[]): void {
    const lost = new Set<number>()
    const { finished, partial, restore, reschedule, dead } = settlement
    for (const group of [finished, partial, restore, reschedule, dead])
      for (const item of group)
        if (!held.has(item.lease)) {
          lost.add(item.lease)
          this.#open.delete(item.lease)
        }
    this.#onSettled(pages)
    const dueAt = [
      ...reschedule.map((page) => page.dueAt),
      ...restore.map((page) => page.openAt),
      ...settlement.closed.map((head) => head.until),
    ]
    if (dueAt.length > 0) this.#onScheduled(dueAt.reduce((first, at) => Math.min(first, at)))
    if (lost.size > 0) this.#onLost(lost)
  }
}

const grantOf = ({ lease, lane, tenant }: HeldPage) => `${lease}\u0000${lane}\u0000${tenant}`

/** Adds to a counter that is forgotten at zero; returns what it is now. */
function count<Key>(counters: Map<Key, number>, key: Key, change: number): number {
  const now = (counters.get(key) ?? 0) + change
  if (now > 0) counters.set(key, now)
  else counters.delete(key)
  return now
}

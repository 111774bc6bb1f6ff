import { Settler, type SettlerEvents } from './settler.ts'
import type { Store } from './store.ts'
import type { Json } from './types.ts'

interface SessionEvents extends Omit<SettlerEvents, 'onLost'> {
  onLeasesLost: SettlerEvents['onLost']
  /** The whole session is lost. */
  onLost: () => void
}

/** A claim that failed may end in the store so much later. */
const doubtMs = 60_000
/** Between a claim's commit and what this process knows of it: far above what an answer takes. */
const marginMs = 1_000

/**
 * One life of a worker in the store's eyes: a row that heartbeats keep alive, and what ends under it. When the session is
 * lost (a long pause, a network cut) everything it held belongs to others; the worker then opens a new one.
 */
export class WorkerSession {
  readonly id: number
  readonly settler: Settler
  readonly #store: Store
  readonly #leaseMs: number
  readonly #report: () => Json
  readonly #onLost: () => void
  readonly #timer: NodeJS.Timeout
  #lastAlive = performance.now()
  /** When the claims under way began. */
  readonly #claims = new Set<{ startedAt: number }>()
  #doubtUntil = Number.NEGATIVE_INFINITY
  #lost = false

  /** `report` is what each heartbeat tells the store of this process. */
  static async open(
    store: Store,
    leaseMs: number,
    report: () => Json,
    events: SessionEvents,
  ): Promise<WorkerSession> {
    return new WorkerSession(await store.openWorker(leaseMs), store, leaseMs, report, events)
  }

  private constructor(id: number, store: Store, leaseMs: number, report: () => Json, events: SessionEvents) {
    this.id = id
    this.#store = store
    this.#leaseMs = leaseMs
    this.#report = report
    this.#onLost = events.onLost
    this.settler = new Settler(store, id, { ...events, onLost: events.onLeasesLost })
    this.#timer = setInterval(() => void this.#beat(), leaseMs / 5)
  }

  get lost(): boolean {
    return this.#lost
  }

  /** Runs a claim. One that fails may have happened all the same: what nobody knows to be held is given back. */
  async claim<T>(claim: () => Promise<T>): Promise<T> {
    const underWay = { startedAt: performance.now() }
    this.#claims.add(underWay)
    try {
      return await claim()
    } catch (error) {
      this.#doubtUntil = performance.now() + doubtMs
      throw error
    } finally {
      this.#claims.delete(underWay)
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    if (!this.#lost) await this.#store.closeWorker(this.id).catch(() => {})
  }

  async #beat(): Promise<void> {
    try {
      if (await this.#store.heartbeat(this.id, this.#leaseMs, this.#report()))
        this.#lastAlive = performance.now()
      else return this.#lose()
      await this.#disown()
    } catch {
      // The store is away. Past the lease others may hold our jobs once it is back, so nothing more may end here.
      if (performance.now() - this.#lastAlive > this.#leaseMs) this.#lose()
    }
  }

  /** Gives back what claims took whose answer did not arrive. Those under way will still arrive. */
  async #disown(): Promise<void> {
    const now = performance.now()
    if (now > this.#doubtUntil) return
    const waiting = [...this.#claims].reduce(
      (longest, { startedAt }) => Math.max(longest, now - startedAt),
      0,
    )
    await this.#store.disown?.(this.id, this.settler.leases, marginMs + waiting)
  }

  #lose(): void {
    if (this.#lost) return
    this.#lost = true
    clearInterval(this.#timer)
    this.settler.stop()
    this.#onLost()
  }
}

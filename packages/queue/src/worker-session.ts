import { Settler, type SettlerEvents } from './settler.ts'
import type { Store } from './store.ts'
import type { Json } from './types.ts'

interface SessionEvents extends Omit<SettlerEvents, 'onLost'> {
  onLeasesLost: SettlerEvents['onLost']
  /** The whole session is lost. */
  onLost: () => void
}

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

  async close(): Promise<void> {
    clearInterval(this.#timer)
    if (!this.#lost) await this.#store.closeWorker(this.id).catch(() => {})
  }

  async #beat(): Promise<void> {
    try {
      if (await this.#store.heartbeat(this.id, this.#leaseMs, this.#report()))
        this.#lastAlive = performance.now()
      else this.#lose()
    } catch {
      // The store is away. Past the lease others may hold our jobs once it is back, so nothing more may end here.
      if (performance.now() - this.#lastAlive > this.#leaseMs) this.#lose()
    }
  }

  #lose(): void {
    if (this.#lost) return
    this.#lost = true
    clearInterval(this.#timer)
    this.settler.stop()
    this.#onLost()
  }
}

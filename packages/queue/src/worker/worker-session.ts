import { QueueUnavailable } from '../api/errors.ts'
import type { Json } from '../api/types.ts'
import { within } from '../common/signal.ts'
import type { Store } from '../stores/store.ts'
import { Settler, type SettlerEvents } from './settler.ts'

export interface SessionEvents extends Omit<SettlerEvents, 'onLost'> {
  onLeasesLost: SettlerEvents['onLost']
  /** The whole session is lost. */
  onLost: () => void
}

const beatsPerLease = 5
/** A claim that failed may end in the store so much later. */
const doubtMs = 60_000
/** Between a claim's commit and what this process knows of it: far above what an answer takes. */
const marginMs = 1_000

interface ClaimUnderWay {
  startedAt: number
  giveUp: (error: Error) => void
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
  #beating = false
  readonly #claims = new Set<ClaimUnderWay>()
  #releasingOrphans = false
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
    this.#timer = setInterval(() => void this.#beat(), leaseMs / beatsPerLease)
  }

  get lost(): boolean {
    return this.#lost
  }

  /**
   * Runs a claim. One that fails may have happened all the same: what nobody knows to be held is given back. Rejects when
   * the session is lost, whether or not the store ever answers.
   */
  async claim<T>(claim: () => Promise<T>): Promise<T> {
    const underWay: ClaimUnderWay = { startedAt: performance.now(), giveUp: () => {} }
    this.#claims.add(underWay)
    try {
      return await new Promise<T>((resolve, reject) => {
        underWay.giveUp = reject
        claim().then(resolve, reject)
      })
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
    if (this.#unansweredMs() > this.#leaseMs) {
      // After a pause of this process the answers may lie here unread.
      await new Promise((read) => setImmediate(read))
      if (this.#unansweredMs() > this.#leaseMs) return this.#lose()
    }
    if (this.#beating) return
    this.#beating = true
    const sentAt = performance.now()
    try {
      const left = Math.max(this.#leaseMs / beatsPerLease, this.#leaseMs - (sentAt - this.#lastAlive))
      const alive = await within(left, this.#store.heartbeat(this.id, this.#leaseMs, this.#report()))
      if (!alive) return this.#lose()
      this.#lastAlive = sentAt
      void this.#releaseOrphans()
    } catch {
      // The store is away or silent. Past the lease others may hold our jobs once it is back, so nothing more may end here.
      if (performance.now() - this.#lastAlive > this.#leaseMs) this.#lose()
    } finally {
      this.#beating = false
    }
  }

  /**
   * For how long a claim or a settlement has had no answer. Heartbeats go over other connections and may be well: what
   * this worker holds would be held for ever.
   */
  #unansweredMs(): number {
    let since = this.settler.sendingSince ?? Number.POSITIVE_INFINITY
    for (const { startedAt } of this.#claims) since = Math.min(since, startedAt)
    return performance.now() - since
  }

  /** Gives back what claims took whose answer did not arrive. Those under way will still arrive. */
  async #releaseOrphans(): Promise<void> {
    const now = performance.now()
    if (now > this.#doubtUntil || this.#releasingOrphans) return
    this.#releasingOrphans = true
    const waiting = [...this.#claims].reduce(
      (longest, { startedAt }) => Math.max(longest, now - startedAt),
      0,
    )
    await this.#store.releaseOrphans?.(this.id, this.settler.leases, marginMs + waiting).catch(() => {})
    this.#releasingOrphans = false
  }

  #lose(): void {
    if (this.#lost) return
    this.#lost = true
    clearInterval(this.#timer)
    this.settler.stop()
    for (const { giveUp } of this.#claims) giveUp(new QueueUnavailable('the lease was lost', 1_000))
    this.#onLost()
  }
}

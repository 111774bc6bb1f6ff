import type { Json } from '../api/types.ts'
import type { ByteAccount } from '../common/byte-ledger.ts'
import { pause, Signal } from '../common/signal.ts'
import type { Store } from '../stores/store.ts'
import type { Lane } from './lanes/lane.ts'
import type { PageClaimer } from './page-claimer.ts'
import { type SessionEvents, WorkerSession } from './worker-session.ts'

/**
 * When nothing is found the store is asked again after 10, 20, 40 … ms, up to this: a head may have been locked for a moment
 * by a producer's commit. With LISTEN at work the longest wait only bounds what a lost notification costs.
 */
const maxPollMs = 500
const minPollMs = 10

export interface ClaimLoopsHost extends SessionEvents {
  store: Store
  leaseMs: number
  pages: PageClaimer
  lanes: Lane[]
  prefetch: ByteAccount
  report: () => Json
  /** So many jobs arrived in the lanes. */
  onClaimed: (jobs: number) => void
}

/**
 * Keeps the lanes of a worker filled, and its session in the store open. Lanes with reserved slots have a loop of their own:
 * theirs must not wait for a large claim of others.
 */
export class ClaimLoops {
  readonly #host: ClaimLoopsHost
  readonly #laneBudget: number
  readonly #laneByName: Map<string, Lane>
  /** One per loop. */
  readonly #wakeUps: Signal[] = []
  readonly #running: Promise<unknown>
  #session: WorkerSession | undefined
  #opening: Promise<WorkerSession> | undefined
  #stopped = false

  constructor(host: ClaimLoopsHost) {
    this.#host = host
    // The budget counts encoded bytes, of which a quarter is kept for newcomers (see Refill.request).
    this.#laneBudget = host.prefetch.limit / host.lanes.length / 1.25
    this.#laneByName = new Map(host.lanes.map((lane) => [lane.name, lane]))
    const groups = [true, false].map((urgent) =>
      host.lanes.filter((lane) => lane.reservedSlots > 0 === urgent),
    )
    this.#running = Promise.all(groups.flatMap((lanes) => (lanes.length > 0 ? [this.#run(lanes)] : [])))
  }

  /** The latest session: its leases may be lost by now. */
  get session(): WorkerSession | undefined {
    return this.#session
  }

  /** There may be work in the store, or room for it. */
  wake(): void {
    for (const signal of this.#wakeUps) signal.raise()
  }

  wakeIfWanted(): void {
    if (this.#host.lanes.some((lane) => lane.refill.wants(this.#laneBudget))) this.wake()
  }

  /** Resolves when no claim is under way. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.wake()
    await this.#running
  }

  async #run(all: Lane[]): Promise<void> {
    const wakeUp = new Signal()
    this.#wakeUps.push(wakeUp)
    let failures = 0
    let pollMs = minPollMs
    while (!this.#stopped) {
      try {
        const session = await this.#openSession()
        const lanes = all.filter((lane) => lane.refill.wants(this.#laneBudget))
        if (lanes.length > 0) await this.#claim(session, lanes)
        else if (await wakeUp.wait(pollMs)) pollMs = minPollMs
        else {
          pollMs = Math.min(maxPollMs, pollMs * 2)
          for (const lane of all) lane.refill.wake()
        }
        failures = 0
      } catch (error) {
        // The store is away: come back a little later each time, up to two seconds.
        this.#host.onError(error)
        failures++
        await pause(Math.min(2_000, 50 * 2 ** failures))
        for (const lane of all) lane.refill.wake()
      }
    }
  }

  async #claim(session: WorkerSession, lanes: Lane[]): Promise<void> {
    const { pages: claimer, prefetch, onClaimed } = this.#host
    const requests = lanes.map((lane) => lane.refill.request(this.#laneBudget)!)
    const answered = lanes.map((lane) => lane.refill.asked())
    const pages = await claimer.claim(session, requests)
    for (const [index, lane] of lanes.entries()) {
      const own = pages.filter(({ claimed }) => claimed.lane === lane.name)
      answered[index]!(own.length)
      // A session that ended while the claim was under way: its pages will go to others.
      if (session.lost) continue
      const before = lane.bufferedBytes
      lane.admit(own)
      prefetch.note(lane.bufferedBytes - before)
    }
    if (!session.lost) claimer.settleEarly(session.settler, pages, this.#laneByName)
    onClaimed(pages.reduce((sum, { records }) => sum + records.length, 0))
  }

  async #openSession(): Promise<WorkerSession> {
    if (this.#session && !this.#session.lost) return this.#session
    this.#opening ??= this.#startSession().finally(() => {
      this.#opening = undefined
    })
    return this.#opening
  }

  async #startSession(): Promise<WorkerSession> {
    const { store, leaseMs, report } = this.#host
    this.#session = await WorkerSession.open(store, leaseMs, report, this.#host)
    return this.#session
  }
}

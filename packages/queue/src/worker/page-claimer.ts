import { pause } from '../common/signal.ts'
import { decodeBody, idOf, type JobRecord } from '../pages/job-record.ts'
import { keyOf, priorityOf } from '../pages/streams.ts'
import { type ClaimedPage, type LaneRequest, paceAheadMs, type Store } from '../stores/store.ts'
import { Cancelled, type JobEnds } from './job-ends.ts'
import type { Lane } from './lanes/lane.ts'
import type { HeldPage } from './lanes/ready-job.ts'
import type { Settler } from './settler.ts'
import type { WorkerSession } from './worker-session.ts'

/** A page with more estimated work than this for a lane's slots is broken up, so that others can help with it. */
export const maxPageMs = 5_000

const askAgainMs = 200

export interface TakenPage {
  claimed: ClaimedPage
  held: HeldPage
  /** By position. What will not be run here is marked as done. */
  records: JobRecord[]
  /** Positions that end without running: cancelled, or given back because there is too much of it. */
  cancelled: number[]
  surplus: number[]
}

/** Claims pages and decides what of them this worker will run. */
export class PageClaimer {
  readonly #store: Store
  readonly #ends: JobEnds

  constructor(store: Store, ends: JobEnds) {
    this.#store = store
    this.#ends = ends
  }

  async claim(session: WorkerSession, requests: LaneRequest[]): Promise<TakenPage[]> {
    const slots = new Map(requests.map((request) => [request.lane, request.slots]))
    const pages: TakenPage[] = []
    for (const claimed of await session.claim(() => this.#store.claim(session.id, requests))) {
      const records = decodeBody(claimed.body)
      const held = heldPageOf(claimed, records.length - claimed.done.length, session.lost)
      session.settler.track(held)
      pages.push({
        claimed,
        held,
        records,
        cancelled: [],
        surplus: surplusOf(claimed, records, slots.get(claimed.lane)!),
      })
    }
    while (pages.some(({ claimed }) => claimed.cancels) && !session.lost)
      try {
        await this.#findCancelled(pages)
        break
      } catch {
        // They are claimed: nothing of them may run before it is known, and nobody else can run them.
        await pause(askAgainMs)
      }
    for (const { claimed, cancelled, surplus } of pages) claimed.done.push(...cancelled, ...surplus)
    return pages
  }

  /** Settles what will not be run. Only after the rest was admitted: a page with nothing left is forgotten at once. */
  settleEarly(settler: Settler, pages: TakenPage[], lanes: Map<string, Lane>): void {
    for (const { claimed, held, records, cancelled, surplus } of pages) {
      const lane = lanes.get(held.lane)!
      for (const position of cancelled)
        this.#ends.settle(
          settler,
          lane,
          { page: held, position, record: records[position]! },
          new Cancelled(),
        )
      if (surplus.length === 0) continue
      // What was kept is one page of the right size; the surplus comes in pages of the same.
      const size = Math.max(1, records.length - surplus.length)
      this.#ends.storeAgain(
        settler,
        held,
        surplus.map((position) => records[position]!),
        size,
      )
      for (const position of surplus) settler.finish(held, position)
      // The claim charged it; whoever claims it again pays then.
      settler.correct(held.lane, held.tenant, claimed.cost, -claimed.cost * surplus.length)
    }
  }

  async #findCancelled(pages: TakenPage[]): Promise<void> {
    const marks = new Map<string, Promise<Set<string>>>()
    for (const page of pages) {
      const { lane, tenant, cancels, done } = page.claimed
      if (!cancels) continue
      const head = `${lane}\u0000${tenant}`
      if (!marks.has(head))
        marks.set(
          head,
          this.#store.cancelled({ lane, tenant }).then((jobs) => new Set(jobs.map(({ id }) => id))),
        )
      const ids = await marks.get(head)!
      page.cancelled = [...page.records.keys()].filter(
        (position) => ids.has(idOf(page.records[position]!)) && !done.includes(position),
      )
      page.surplus = page.surplus.filter((position) => !page.cancelled.includes(position))
    }
  }
}

function heldPageOf(page: ClaimedPage, remaining: number, lost: boolean): HeldPage {
  const { lease, lane, tenant, stream, seq, bytes, readyAt, firstAt } = page
  return {
    lease,
    lane,
    tenant,
    stream,
    seq,
    bytes,
    readyAt,
    firstAt,
    remaining,
    finished: [],
    priority: priorityOf(stream),
    key: keyOf(stream),
    granted: page.grant !== null,
    lost,
  }
}

/** Positions at the end of a page that would keep this worker busy, or waiting, for too long. Pages of a key stay whole. */
function surplusOf(
  { stream, cost, done, jobs, pace }: ClaimedPage,
  records: JobRecord[],
  slots: number,
): number[] {
  const paced = pace ? Math.ceil((pace.perSecond * paceAheadMs) / 1_000) : Number.POSITIVE_INFINITY
  const most = Math.max(1, Math.min(paced, Math.floor((slots * maxPageMs) / cost)))
  if (jobs <= most || keyOf(stream) !== undefined) return []
  const finished = new Set(done)
  const unfinished = [...records.keys()].filter((position) => !finished.has(position))
  return unfinished.slice(most)
}

import type { TenantControls } from '../../../api/types.ts'
import { isExclusive } from '../../../pages/streams.ts'
import { DueQueue } from './due-queue.ts'
import { type Head, isOpen, newHead, newStream, overflowOf, type Stream } from './head.ts'
import type { Lanes } from './lanes.ts'
import type { MemoryBudget } from './memory-budget.ts'
import type { PageQueue } from './page-queue.ts'
import type { StoredPage } from './stored-page.ts'

export interface Lease {
  worker: number
  /** By seq. */
  pages: Map<number, StoredPage>
}

export interface Surroundings {
  lanes: Lanes
  controlsOf(tenant: string): TenantControls
  memory: MemoryBudget
  now(): number
}

/** A queue of which the first chunk should be read back, or that has grown long. */
export interface QueueAddress {
  queue: PageQueue
  head: Head
  /** Undefined: the overflow of the head's keys. */
  stream: Stream | undefined
}

/** Pages of keys of one head in memory; those beyond wait in the overflow, in the order of arrival. */
const keyedPages = { most: 1_000, whenTight: 100 }
/** The first chunk is read back when so few pages are left before it. */
const lowWater = 16
/** A queue is worth writing to disk from so many pages on, beyond those that stay at its front. */
export const spillFrom = 32

/** Keys of heads: names hold no NUL, see `encode-job.ts`. */
export const keyOfHead = (lane: string, tenant: string): string => `${lane}\u0000${tenant}`

/**
 * What the owner of a shard knows: heads with work, leases, what is due next. Bodies and the middle of long queues are in the
 * table. Every change here is either told to the journal at the same moment or found again from what is stored.
 */
export class ShardState {
  readonly shard: number
  readonly around: Surroundings
  readonly heads = new Map<string, Head>()
  readonly leases = new Map<number, Lease>()
  readonly due = new DueQueue()
  /** Per lane, also what is on disk. */
  readonly scheduled = new Map<string, { jobs: number; bytes: number }>()
  /** The last settlement of each worker, and the answer to it. */
  readonly settled = new Map<number, { number: number; held: number[] }>()
  /** Queues with something worth writing to disk. */
  readonly long = new Map<PageQueue, QueueAddress>()
  /** Heads that are closed for a time, or have a stream that is. */
  readonly timed = new Set<Head>()
  /** Is told of queues that run low in memory while more is on disk. */
  onLow: (place: QueueAddress) => void = () => {}
  /** Is told of pages that come into memory, or whose bodies are somewhere else from now on. */
  onArrive: (page: StoredPage) => void = () => {}
  /** Whether its heads take part in their lanes: not while the shard is loaded, and not when it was lost. */
  serving = false
  /** Last place in a stream that was given. */
  seq = 0
  #order = 0
  #headCount = 0
  /** Pages in memory that belong to this shard. */
  pages = 0

  constructor(shard: number, around: Surroundings) {
    this.shard = shard
    this.around = around
  }

  head(lane: string, tenant: string): Head {
    const key = keyOfHead(lane, tenant)
    let head = this.heads.get(key)
    if (!head) {
      head = newHead(this, this.#headCount++, lane, tenant)
      this.heads.set(key, head)
    }
    return head
  }

  findHead(lane: string, tenant: string): Head | undefined {
    return this.heads.get(keyOfHead(lane, tenant))
  }

  stream(head: Head, name: string): Stream {
    let stream = head.streams.get(name)
    if (!stream) {
      stream = newStream(name)
      head.streams.set(name, stream)
    }
    return stream
  }

  nextOrder(): number {
    return ++this.#order
  }

  countPages(change: number): void {
    this.pages += change
    this.around.memory.pages += change
  }

  /** A page comes into memory: to be claimed, or to wait until it is due. */
  arrive(page: StoredPage): void {
    this.countPages(1)
    this.onArrive(page)
    if (page.dueAt > 0) this.schedule(page)
    else this.enqueue(page)
  }

  schedule(page: StoredPage): void {
    page.order = this.nextOrder()
    this.due.add(page)
    this.countScheduled(page, 1)
  }

  countScheduled({ lane, jobs, bytes }: { lane: string; jobs: number; bytes: number }, sign: 1 | -1): void {
    const count = this.scheduled.get(lane) ?? { jobs: 0, bytes: 0 }
    count.jobs += sign * jobs
    count.bytes += sign * bytes
    this.scheduled.set(lane, count)
  }

  /** To the end of its stream. */
  enqueue(page: StoredPage): void {
    const head = this.head(page.lane, page.tenant)
    this.countWaiting(head, page, 1)
    page.order = this.nextOrder()
    if (isExclusive(page.stream) && (!head.overflow.empty || head.keyed >= this.#maxKeyed)) {
      const overflow = overflowOf(head)
      overflow.push(page)
      this.noteLong({ queue: overflow, head, stream: undefined })
    } else this.push(head, page)
    this.refresh(head)
  }

  /** To the end of its stream, without counting it as new. */
  push(head: Head, page: StoredPage): void {
    const stream = this.stream(head, page.stream)
    // One text for all of a head's pages, instead of one from every item that was read.
    Object.assign(page, { lane: head.lane, tenant: head.tenant, stream: stream.name })
    if (isExclusive(page.stream)) head.keyed++
    stream.queue.push(page)
    this.noteLong({ queue: stream.queue, head, stream })
    this.refreshStream(head, stream)
  }

  countWaiting(head: Head, { jobs, bytes }: { jobs: number; bytes: number }, sign: 1 | -1): void {
    head.waitingJobs += sign * jobs
    head.waitingBytes += sign * bytes
  }

  /** Takes the first page of a stream for a lease. The head must be refreshed afterwards. */
  take(head: Head, stream: Stream, lease: number, worker: number): StoredPage {
    const page = stream.queue.shift()!
    this.lend(head, stream, page, lease, worker)
    return page
  }

  /** A page that was taken out of its queue is in a lease from now on. The head must be refreshed afterwards. */
  lend(head: Head, stream: Stream, page: StoredPage, lease: number, worker: number): void {
    page.seq ||= ++this.seq
    this.countWaiting(head, page, -1)
    const exclusive = isExclusive(stream.name)
    if (exclusive) head.keyed--
    stream.leased = exclusive
    stream.served = { at: this.around.now(), lease }
    let held = this.leases.get(lease)
    if (!held) this.leases.set(lease, (held = { worker, pages: new Map() }))
    held.pages.set(page.seq, page)
    this.refreshStream(head, stream)
    if (exclusive) this.admitKeyed(head)
  }

  /** What is left of a leased page returns to its place, before all that waits behind it, once `openAt` has come. */
  putBack(page: StoredPage, openAt: number | undefined): void {
    const head = this.head(page.lane, page.tenant)
    const stream = this.stream(head, page.stream)
    stream.leased = false
    stream.openAt = openAt
    if (openAt !== undefined) this.timed.add(head)
    page.order = 0
    this.onArrive(page)
    stream.queue.unshift(page)
    if (isExclusive(page.stream)) head.keyed++
    this.countWaiting(head, page, 1)
    this.refreshStream(head, stream)
    this.refresh(head)
  }

  /** A leased page has ended: the next of an exclusive stream may be leased. */
  ended(page: StoredPage): void {
    this.countPages(-1)
    if (!isExclusive(page.stream)) return
    const head = this.head(page.lane, page.tenant)
    const stream = this.stream(head, page.stream)
    stream.leased = false
    this.refreshStream(head, stream)
    this.refresh(head)
  }

  /** Pages of keys come in from the overflow as there is room. The head must be refreshed afterwards. */
  admitKeyed(head: Head): void {
    if (head.overflow.empty || head.keyed > this.#maxKeyed / 2) return
    while (head.keyed < this.#maxKeyed) {
      const page = head.overflow.shift()
      if (!page) break
      this.push(head, page)
    }
    this.#noteLow({ queue: head.overflow, head, stream: undefined })
  }

  get #maxKeyed(): number {
    return this.around.memory.tight ? keyedPages.whenTight : keyedPages.most
  }

  refreshStream(head: Head, stream: Stream): void {
    if (isOpen(stream)) {
      if (stream.heapIndex < 0) head.open.push(stream)
      else head.open.moved(stream)
    } else if (stream.heapIndex >= 0) head.open.remove(stream)
    if (stream.queue.empty && !stream.leased) head.streams.delete(stream.name)
    this.#noteLow({ queue: stream.queue, head, stream })
  }

  /** Puts a head into the order of its lane, or takes it out. */
  refresh(head: Head): void {
    const lane = this.around.lanes.get(head.lane)
    if (!this.canServe(head)) {
      if (head.heapIndex >= 0) lane.heads.remove(head)
    } else if (head.heapIndex < 0) {
      // The past earns no credit, whether there was no work or it was not to be handed out.
      head.vtime = Math.max(head.vtime, lane.vtime)
      lane.heads.push(head)
    } else lane.heads.moved(head)
  }

  canServe(head: Head): boolean {
    return (
      this.serving &&
      head.open.size > 0 &&
      head.closedUntil === undefined &&
      head.pacedUntil === undefined &&
      !this.around.controlsOf(head.tenant).paused &&
      this.slotsLeft(head) > 0
    )
  }

  /** Jobs of a head that may run at once beyond those already granted. */
  slotsLeft(head: Head): number {
    const most = this.around.controlsOf(head.tenant).maxInFlight
    if (most === null || most === undefined) return Number.POSITIVE_INFINITY
    let granted = 0
    for (const grant of head.grants.values()) granted += grant
    return most - granted
  }

  weightOf(tenant: string): number {
    return this.around.controlsOf(tenant).weight ?? 1
  }

  /** Would start afresh anyway: nothing waits or is leased in order, and the lane has caught up with what was charged. */
  isSpent(head: Head): boolean {
    return (
      head.streams.size === 0 &&
      head.overflow.empty &&
      head.grants.size === 0 &&
      head.closedUntil === undefined &&
      head.pacedUntil === undefined &&
      head.vtime <= this.around.lanes.get(head.lane).vtime
    )
  }

  /** Takes all heads out of their lanes: somebody else serves them from now on. */
  leave(): void {
    this.serving = false
    for (const head of this.heads.values())
      if (head.heapIndex >= 0) this.around.lanes.get(head.lane).heads.remove(head)
    this.around.memory.pages -= this.pages
    this.pages = 0
  }

  noteLong(place: QueueAddress): void {
    if (place.queue.spillable(spillFrom) >= spillFrom) this.long.set(place.queue, place)
  }

  #noteLow(place: QueueAddress): void {
    const { queue } = place
    if (queue.chunks.length > 0 && queue.ready < lowWater && !queue.loading) this.onLow(place)
  }
}

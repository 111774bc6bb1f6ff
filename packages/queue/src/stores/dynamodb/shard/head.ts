import type { TenantControls } from '../../../api/types.ts'
import { Heap, type HeapItem } from '../../../common/heap.ts'
import { isExclusive, priorityOf, priorityStepMs } from '../../../pages/streams.ts'
import { PageQueue } from './page-queue.ts'
import type { StoredPage } from './stored-page.ts'

export interface Stream extends HeapItem {
  name: string
  queue: PageQueue
  /** Of an exclusive stream: one of its pages is leased, no further one is handed out. */
  leased: boolean
  /** Not claimable before; taken away by `promote` when that time has come. */
  openAt: number | undefined
  /** When, and by which lease, a page was last handed out: keys of a tenant take turns by it. */
  served: { at: number; lease: number }
}

/** What the shard of a head does for who serves the head. */
export interface HeadOwner {
  readonly shard: number
  readonly around: { controlsOf(tenant: string): TenantControls; now(): number }
  /** Heads that are closed for a time, or have a stream that is. */
  readonly timed: Set<Head>
  canServe(head: Head): boolean
  weightOf(tenant: string): number
  slotsLeft(head: Head): number
  take(head: Head, stream: Stream, lease: number, worker: number): StoredPage
  refreshStream(head: Head, stream: Stream): void
}

/** What a shard knows of a tenant in a lane. Forgotten when it has no work and owes nothing. */
export interface Head extends HeapItem {
  state: HeadOwner
  /** Order of coming into memory, for heads with the same virtual time. */
  number: number
  lane: string
  tenant: string
  vtime: number
  cost: number
  closedUntil: number | undefined
  pacedUntil: number | undefined
  streams: Map<string, Stream>
  /** Streams that can be served, in the order in which they are. */
  open: Heap<Stream>
  /** Pages of keys for which there is no room in memory, in the order of arrival, whatever their key. */
  readonly overflow: PageQueue
  /** Pages of keys in memory. */
  keyed: number
  /** Of a tenant with `maxInFlight`: what leases were granted. */
  readonly grants: ReadonlyMap<number, number>
  waitingJobs: number
  waitingBytes: number
}

export function newHead(state: HeadOwner, number: number, lane: string, tenant: string): Head {
  return {
    state,
    number,
    lane,
    tenant,
    vtime: 0,
    cost: 1,
    closedUntil: undefined,
    pacedUntil: undefined,
    streams: new Map(),
    open: new Heap<Stream>(isBefore),
    overflow: noPages,
    keyed: 0,
    grants: noGrants,
    waitingJobs: 0,
    waitingBytes: 0,
    heapIndex: -1,
  }
}

/** Most heads have neither an overflow nor grants, and there may be very many heads: these share one that stays empty. */
const noPages = new PageQueue()
const noGrants: ReadonlyMap<number, number> = new Map()

type Changeable = { -readonly [Member in keyof Head]: Head[Member] }

/** The overflow, to be written to. */
export function overflowOf(head: Head): PageQueue {
  if (head.overflow === noPages) (head as Changeable).overflow = new PageQueue()
  return head.overflow
}

export function grantTo(head: Head, lease: number, slots: number): void {
  ;(head as Changeable).grants = new Map(head.grants).set(lease, slots)
}

/** False: the lease had none. */
export function takeGrant(head: Head, lease: number): boolean {
  if (!head.grants.has(lease)) return false
  const left = new Map(head.grants)
  left.delete(lease)
  ;(head as Changeable).grants = left.size > 0 ? left : noGrants
  return true
}

/** Replaced and never changed. */
const never = { at: 0, lease: 0 }

export const newStream = (name: string): Stream => ({
  name,
  queue: new PageQueue(),
  leased: false,
  openAt: undefined,
  served: never,
  heapIndex: -1,
})

export const isOpen = (stream: Stream): boolean =>
  stream.queue.ready > 0 && !stream.leased && stream.openAt === undefined

/**
 * Streams are served by the time at which their next page became ready. A priority counts as an earlier time, so that it
 * ages; a key that was just served counts as ready since then, so that keys take turns.
 */
function rankOf(stream: Stream): number {
  const { readyAt } = stream.queue.first()!
  if (isExclusive(stream.name)) return Math.max(readyAt, stream.served.at)
  return readyAt - priorityOf(stream.name) * priorityStepMs
}

function isBefore(a: Stream, b: Stream): boolean {
  const difference = rankOf(a) - rankOf(b)
  if (difference !== 0) return difference < 0
  if (isExclusive(a.name) && isExclusive(b.name) && a.served.lease !== b.served.lease)
    return a.served.lease < b.served.lease
  return a.queue.first()!.order < b.queue.first()!.order
}

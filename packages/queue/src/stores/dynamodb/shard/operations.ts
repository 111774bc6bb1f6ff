import type { ItemId } from '../keys.ts'
import { takeGrant } from './head.ts'
import type { ShardState } from './state.ts'
import { fromLine, type Line, type StoredPage, sizesOf } from './stored-page.ts'

/** Where the parts of a page are: item, entry, item, entry … */
export type Names = (ItemId | number)[]

/** Pages were leased. */
export interface ClaimOperation {
  t: 'claim'
  lease: number
  worker: number
  at: number
  /** Each with its place in its stream. */
  pages: [names: Names, seq: number][]
  /** Heads with a limit: what was granted, and until when the lease paces them. */
  limits?: [lane: string, tenant: string, grant: number | null, pacedUntil: number | null][]
}

/** Leases of one worker ended, wholly or in part. */
export interface SettleOperation {
  t: 'settle'
  worker: number
  at: number
  /** Number of the settlement, and the leases that were held; absent when a dead worker's work is returned. */
  number?: number
  held?: number[]
  finished?: [lease: number, seq: number][]
  partial?: [lease: number, seq: number, positions: number[]][]
  restore?: [lease: number, seq: number, part: Line[0], firstAt: number, openAt: number][]
  scheduled?: Line[]
  emptied?: number[]
  released?: [lease: number, lane: string, tenant: string][]
  closed?: [lane: string, tenant: string, until: number][]
  /** The worker is dead: all its leases end, and heads paced for it need not wait. */
  gone?: true
  /** What is to be done outside of the shard when this is in the journal, see `effects.ts`. */
  effects?: Effects
}

export interface Effects {
  id: string
  diedAt: number
  /** Dead letters, as pages of one letter each. */
  letters: { item: ItemId; entry: number }[]
}

export type Operation =
  | ClaimOperation
  | SettleOperation
  /** A chunk of a queue was read back: `place` is its lane, tenant and stream, null for the overflow; absent: scheduled. */
  | { t: 'load'; id: string; place?: [lane: string, tenant: string, stream: string | null] }
  /** Pages were written again, before TTL takes their old items. */
  | { t: 'move'; at: number; moves: [from: Names, to: Line[0]][] }
  /** Scheduled pages were taken out. */
  | { t: 'drop'; pages: Names[] }
  /** A lease that was never told to its worker: its pages wait again. */
  | { t: 'unclaim'; lease: number }
  | { t: 'done'; effects: string }
  /** A new owner; what an older one writes is refused from here on. */
  | { t: 'seal'; epoch: number; member: string }

/** What a settlement changes in a shard; the same at its time and when the journal is read again. */
export function applySettle(state: ShardState, operation: SettleOperation): void {
  const { worker, at } = operation
  const take = (lease: number, seq: number): StoredPage | undefined => {
    const pages = state.leases.get(lease)?.pages
    const page = pages?.get(seq)
    pages?.delete(seq)
    return page
  }
  for (const [lease, seq, positions] of operation.partial ?? []) {
    const page = state.leases.get(lease)?.pages.get(seq)
    if (page) page.done = [...new Set([...page.done, ...positions])]
  }
  for (const line of operation.scheduled ?? []) state.arrive(fromLine(line))
  for (const [lease, seq, parts, firstAt, openAt] of operation.restore ?? []) {
    const page = take(lease, seq)
    if (!page) continue
    const left = fromLine([parts, 0, 0, 0, 0, 0, [], 0], page)
    Object.assign(page, { parts: left.parts, ...sizesOf(left.parts) })
    Object.assign(page, { firstAt, readyAt: Math.max(openAt, at), since: at, done: [] })
    state.putBack(page, openAt)
  }
  for (const [lease, seq] of operation.finished ?? []) {
    const page = take(lease, seq)
    if (page) state.ended(page)
  }
  for (const [lease, lane, tenant] of operation.released ?? []) {
    const head = state.head(lane, tenant)
    if (takeGrant(head, lease)) state.refresh(head)
  }
  for (const [lane, tenant, until] of operation.closed ?? []) {
    const head = state.head(lane, tenant)
    head.closedUntil = Math.max(head.closedUntil ?? 0, until)
    state.timed.add(head)
    state.refresh(head)
  }
  for (const lease of operation.emptied ?? []) state.leases.delete(lease)
  if (operation.gone) forgetWorker(state, worker)
  else if (operation.number !== undefined)
    state.settled.set(worker, { number: operation.number, held: operation.held ?? [] })
}

function forgetWorker(state: ShardState, worker: number): void {
  const lost = new Set<number>()
  for (const [id, lease] of state.leases) if (lease.worker === worker) lost.add(id)
  for (const lease of lost) {
    // Normally nothing is left in them.
    for (const page of state.leases.get(lease)!.pages.values()) state.ended(page)
    state.leases.delete(lease)
  }
  state.settled.delete(worker)
  for (const head of state.heads.values()) {
    let changed = false
    for (const lease of [...head.grants.keys()]) if (lost.has(lease)) changed = takeGrant(head, lease)
    if (changed) state.refresh(head)
  }
}

/** A lease whose claim failed half-way: nobody has its pages, so that they wait again as if nothing had been. */
export function applyUnclaim(state: ShardState, id: number): void {
  const lease = state.leases.get(id)
  if (!lease) return
  state.leases.delete(id)
  for (const page of [...lease.pages.values()].sort((a, b) => b.seq - a.seq)) {
    state.putBack(page, undefined)
    const head = state.head(page.lane, page.tenant)
    takeGrant(head, id)
    head.pacedUntil = undefined
    state.refresh(head)
  }
}

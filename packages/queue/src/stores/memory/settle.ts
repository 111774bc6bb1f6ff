import { isExclusive } from '../../pages/streams.ts'
import type { PageRef, Settlement } from '../store.ts'
import { forgetMark } from './cancel.ts'
import { keyOfHead, type StoredPage, type Tables } from './tables.ts'

/**
 * Only a living worker's settlement counts, and each once. A worker loses its leases all at once, when it is given up; so
 * one that is gone changes nothing at all, not even what no lease is named for: a blob it wanted to drop belongs to a job
 * that others will run.
 */
export function settle(tables: Tables, settlement: Settlement): Set<number> {
  const session = tables.workers.get(settlement.worker)
  if (!session) return new Set()
  // The answer to the first time was lost: it is given again.
  if (settlement.number <= session.settled.number) return new Set(session.settled.held)
  const held = heldLeases(tables, settlement)
  session.settled = { number: settlement.number, held }
  recordEnds(tables, settlement, held)
  recordLimits(tables, settlement, held)
  for (const { lane, tenant, cost, difference } of settlement.corrections) {
    const head = tables.heads.get(keyOfHead(lane, tenant))
    if (!head) continue
    head.vtime += difference / (tables.controls.get(tenant)?.weight ?? 1)
    head.cost = cost
  }
  for (const id of settlement.blobs) tables.blobs.delete(id)
  for (const id of settlement.progressed) tables.progress.delete(id)
  for (const mark of settlement.cancelled) forgetMark(tables, mark)
  return new Set(held)
}

function heldLeases(tables: Tables, settlement: Settlement): Set<number> {
  const { finished, partial, restore, reschedule, dead, released, emptied } = settlement
  const named = [finished, partial, restore, reschedule, dead, released].flat().map(({ lease }) => lease)
  const isHeld = (lease: number) => tables.leases.get(lease)?.worker === settlement.worker
  return new Set([...named, ...emptied].filter(isHeld))
}

function recordEnds(tables: Tables, settlement: Settlement, held: Set<number>): void {
  const pageOf = (ref: PageRef) =>
    held.has(ref.lease) ? tables.leases.get(ref.lease)!.pages.get(ref.seq) : undefined
  for (const ref of settlement.partial) {
    const page = pageOf(ref)
    if (page) page.done = [...new Set([...page.done, ...ref.positions])]
  }
  for (const { lease, unique: _, blobs: __, ...page } of settlement.reschedule)
    if (held.has(lease)) tables.schedule(page)
  for (const { lease, ...job } of settlement.dead) if (held.has(lease)) tables.bury(job)
  for (const ref of settlement.restore) {
    const page = pageOf(ref)
    if (!page) continue
    tables.leases.get(ref.lease)!.pages.delete(ref.seq)
    putBack(tables, page, ref)
  }
  for (const ref of settlement.finished) {
    const page = pageOf(ref)
    if (!page) continue
    tables.leases.get(ref.lease)!.pages.delete(ref.seq)
    freeStream(tables, page)
  }
  for (const lease of settlement.emptied) if (held.has(lease)) tables.leases.delete(lease)
}

function recordLimits(tables: Tables, { released, closed }: Settlement, held: Set<number>): void {
  for (const { lease, lane, tenant } of released)
    if (held.has(lease)) tables.heads.get(keyOfHead(lane, tenant))?.grants.delete(lease)
  for (const { lane, tenant, until } of closed) {
    const head = tables.head(lane, tenant)
    head.closedUntil = Math.max(head.closedUntil ?? 0, until)
  }
}

/** What is left of a page returns to its place, before all that waits behind it, once `openAt` has come. */
export function putBack(
  tables: Tables,
  page: StoredPage,
  left: { jobs: number; bytes: number; body: string; firstAt: number; openAt: number },
): void {
  const { jobs, bytes, body, firstAt, openAt } = left
  const stream = tables.stream(page.lane, page.tenant, page.stream)
  stream.leased = false
  stream.openAt = openAt
  const readyAt = Math.max(openAt, tables.now())
  stream.pages.unshift({ ...page, jobs, bytes, body, firstAt, readyAt, done: [] })
}

/** A leased page is gone: the next of an exclusive stream may be leased. */
export function freeStream(tables: Tables, { lane, tenant, stream: name }: StoredPage): void {
  if (!isExclusive(name)) return
  const stream = tables.stream(lane, tenant, name)
  stream.leased = false
  if (stream.pages.length === 0) tables.head(lane, tenant).streams.delete(name)
}

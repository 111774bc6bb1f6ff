import type { NewPage } from '../../../pages/page.ts'
import type { Settlement } from '../../store.ts'
import type { Part } from '../items/bodies.ts'
import { letterPage, record } from './effects.ts'
import { applySettle, type Effects, type SettleOperation } from './operations.ts'
import type { Shard } from './shard.ts'
import type { ShardState } from './state.ts'
import { type Line, lineOf, newPage } from './stored-page.ts'

/** What a settlement says of one shard. Blobs, progress and marks of cancelled jobs are not kept by the shards' owners. */
export type ShardSettlement = Omit<Settlement, 'blobs' | 'cancelled' | 'progressed'>

/**
 * Records ends of jobs. First the bodies of what is stored again, to which nothing refers yet; then, in one record of the
 * journal, everything at once. Returns the leases that are held.
 */
export async function settle(shard: Shard, settlement: ShardSettlement): Promise<Set<number>> {
  const { state } = shard
  const known = answered(state, settlement)
  if (known) return known
  const before = heldLeases(shard, settlement)
  // A worker loses all its leases at once: of one that lost them nothing counts.
  if (before.size === 0 && namedLeases(settlement).length > 0) return before
  for (const correction of settlement.corrections) correct(state, correction)
  if (saysLittle(settlement)) return endEmpty(shard, settlement, before)
  const kept = <Item extends { lease: number }>(items: Item[]) =>
    items.filter(({ lease }) => before.has(lease))
  const again = kept(settlement.reschedule)
  const restored = kept(settlement.restore)
  const dead = kept(settlement.dead)
  const pages: NewPage[] = [
    ...again.map(({ lease: _, unique: __, blobs: ___, ...page }) => page),
    ...restored.map(({ lease: _, seq: __, openAt: ___, ...page }) => page),
    ...dead.map(letterPage),
  ]
  const parts = pages.length > 0 ? await shard.write(pages) : []
  shard.check()
  // Others may have come between while the bodies were written.
  const held = heldLeases(shard, settlement)
  if (held.size === 0 && before.size > 0) return held
  const operation: SettleOperation = { t: 'settle', worker: settlement.worker, at: shard.home.now() }
  operation.number = settlement.number
  operation.held = [...held]
  fill(operation, settlement, held)
  operation.scheduled = again.flatMap((page, n) =>
    held.has(page.lease) ? [scheduledLine(page, parts[n]!)] : [],
  )
  operation.restore = restored.flatMap((page, n) =>
    held.has(page.lease) ? [restoreLine(page, parts[again.length + n]!)] : [],
  )
  const letters = dead.flatMap((job, n) =>
    held.has(job.lease) ? [parts[again.length + restored.length + n]!] : [],
  )
  if (letters.length > 0) operation.effects = deadLetterEffects(shard, letters)
  applySettle(state, operation)
  await record(shard, withoutEmpty(operation))
  return held
}

/** Nothing but that leases are empty, which is worth no record of its own. */
export function saysLittle({
  finished,
  partial,
  restore,
  reschedule,
  dead,
  released,
  closed,
}: ShardSettlement): boolean {
  return [finished, partial, restore, reschedule, dead, released, closed].every((items) => items.length === 0)
}

/** If this is lost in a crash, empty leases stay until their worker ends. */
function endEmpty(shard: Shard, { worker, emptied }: ShardSettlement, held: Set<number>): Set<number> {
  const operation: SettleOperation = {
    t: 'settle',
    worker,
    at: shard.home.now(),
    emptied: emptied.filter((lease) => held.has(lease)),
  }
  applySettle(shard.state, operation)
  if (operation.emptied!.length > 0) shard.journal.pushLater(operation)
  return held
}

/** A settlement whose first answer was lost. */
function answered(state: ShardState, { worker, number }: ShardSettlement): Set<number> | undefined {
  const last = state.settled.get(worker)
  return last && number <= last.number ? new Set(last.held) : undefined
}

export function namedLeases(settlement: ShardSettlement): number[] {
  const { finished, partial, restore, reschedule, dead, released, emptied } = settlement
  return [
    ...[finished, partial, restore, reschedule, dead, released].flat().map(({ lease }) => lease),
    ...emptied,
  ]
}

function heldLeases(shard: Shard, settlement: ShardSettlement): Set<number> {
  const { worker } = settlement
  if (shard.gone.has(worker)) return new Set()
  return new Set(namedLeases(settlement).filter((lease) => shard.state.leases.get(lease)?.worker === worker))
}

export const deadLetterEffects = (shard: Shard, parts: Part[]): Effects => ({
  id: shard.nextName(),
  diedAt: shard.home.now(),
  letters: parts.map(({ item, entry }) => ({ item, entry })),
})

function fill(operation: SettleOperation, settlement: ShardSettlement, held: Set<number>): void {
  const kept = <Item extends { lease: number }>(items: Item[]) => items.filter(({ lease }) => held.has(lease))
  operation.finished = kept(settlement.finished).map(({ lease, seq }) => [lease, seq])
  operation.partial = kept(settlement.partial).map(({ lease, seq, positions }) => [lease, seq, positions])
  operation.emptied = settlement.emptied.filter((lease) => held.has(lease))
  operation.released = kept(settlement.released).map(({ lease, lane, tenant }) => [lease, lane, tenant])
  operation.closed = settlement.closed.map(({ lane, tenant, until }) => [lane, tenant, until])
}

export function scheduledLine(page: NewPage, part: Part): Line {
  const { lane, tenant, stream, dueAt = 0, firstAt = dueAt, alone = false, body } = page
  const blobs = body.includes('"b":"')
  return lineOf(
    newPage({ lane, tenant, stream, parts: [part], readyAt: 0, firstAt, dueAt, alone, blobs }),
    true,
  )
}

type RestoreLine = NonNullable<SettleOperation['restore']>[number]

export const restoreLine = (
  page: { lease: number; seq: number; firstAt: number; openAt: number },
  { item, entry, jobs, bytes }: Part,
): RestoreLine => [page.lease, page.seq, [item, entry, jobs, bytes], page.firstAt, page.openAt]

/** Is not in the journal: a crash forgets a little fairness, and no job. */
function correct(
  state: ShardState,
  { lane, tenant, cost, difference }: Settlement['corrections'][number],
): void {
  const head = state.findHead(lane, tenant)
  if (!head) return
  head.vtime += difference / state.weightOf(tenant)
  head.cost = cost
  state.refresh(head)
}

/** The journal is paid for by its length. */
export function withoutEmpty(operation: SettleOperation): SettleOperation {
  const filled = Object.entries(operation).filter(
    ([, value]) => !(Array.isArray(value) && value.length === 0),
  )
  return Object.fromEntries(filled) as unknown as SettleOperation
}

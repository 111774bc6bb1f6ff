import { isExclusive } from '../../pages/streams.ts'
import type { Settlement } from '../store.ts'
import { uniqueHeads } from './append.ts'
import { textArray } from './binary-arrays.ts'
import { byHead, columns, type Db, type PoolDb } from './db.ts'

/** One statement for the common ends; a transaction when heads or streams change hands as well. */
export async function settle(db: PoolDb, settlement: Settlement): Promise<Set<number>> {
  const heads = changedHeads(settlement)
  const others =
    settlement.blobs.length + settlement.cancelled.length + settlement.progressed.length + heads.length
  if (others === 0)
    return isPlain(settlement) ? recordPlain(db, settlement) : (await record(db, db.now(), settlement)).held
  return db.transaction(async (tx) => {
    await tx.run('lockWorker', [settlement.worker])
    if (heads.length > 0) await tx.run('lockHeads', byHead(heads), heads.length)
    const { held, fresh } = await record(tx, db.now(), settlement)
    if (fresh) await recordOthers(tx, db.now(), settlement, held, heads)
    return held
  })
}

/** Nothing but whole pages that are done, as nearly always. */
const isPlain = ({ partial, reschedule, dead }: Settlement) =>
  partial.length + reschedule.length + dead.length === 0

async function recordPlain(
  db: Db,
  { worker, number, finished, emptied, corrections }: Settlement,
): Promise<Set<number>> {
  const leases = new Set<number>(emptied)
  for (const { lease } of finished) leases.add(lease)
  const rows = await db.run<{ id: number }>('settleFinished', [
    worker,
    number,
    [...leases],
    emptied,
    ...finishedColumns(finished),
    ...columns(
      corrections,
      (row) => row.lane,
      (row) => row.tenant,
      (row) => row.cost,
      (row) => row.difference,
    ),
  ])
  return new Set(rows.map(({ id }) => id))
}

function finishedColumns(finished: Settlement['finished']): unknown[] {
  return [
    finished.map((page) => page.lease),
    textArray(finished.map((page) => page.lane)),
    textArray(finished.map((page) => page.tenant)),
    textArray(finished.map((page) => page.stream)),
    finished.map((page) => page.seq),
  ]
}

/** Heads that a settlement opens, closes or makes ready again: to be locked before anything else. */
function changedHeads({ finished, restore, released, closed, cancelled }: Settlement) {
  return uniqueHeads([
    ...finished.filter((page) => isExclusive(page.stream)),
    ...restore,
    ...released,
    ...closed,
    ...cancelled,
  ])
}

async function record(
  db: Db,
  now: number,
  settlement: Settlement,
): Promise<{ held: Set<number>; fresh: boolean }> {
  const { finished, partial, restore, reschedule, dead, released, emptied, corrections } = settlement
  const leases = new Set<number>(emptied)
  for (const group of [finished, partial, restore, reschedule, dead, released])
    for (const item of group) leases.add(item.lease)
  const refs = (rows: { lease: number; lane: string; tenant: string; stream: string; seq: number }[]) =>
    columns(
      rows,
      (row) => row.lease,
      (row) => row.lane,
      (row) => row.tenant,
      (row) => row.stream,
      (row) => row.seq,
    )
  const rows = await db.run<{ id: number | null; fresh: boolean }>(
    'settle',
    [
      settlement.worker,
      settlement.number,
      [...leases],
      ...refs(finished),
      ...refs(partial),
      partial.map((row) => `{${row.positions.join(',')}}`),
      ...columns(
        reschedule,
        (row) => row.lease,
        (row) => row.lane,
        (row) => row.tenant,
        (row) => row.stream,
        (row) => row.jobs,
        (row) => row.bytes,
        (row) => row.body,
        (row) => row.dueAt,
        (row) => row.firstAt ?? null,
      ),
      ...columns(
        dead,
        (row) => row.lease,
        (row) => row.lane,
        (row) => row.tenant,
        (row) => row.stream ?? '',
        (row) => row.id,
        (row) => row.name,
        (row) => row.data,
        (row) => row.blob ?? null,
        (row) => row.attempts,
        (row) => row.reason,
      ),
      emptied,
      ...columns(
        corrections,
        (row) => row.lane,
        (row) => row.tenant,
        (row) => row.cost,
        (row) => row.difference,
      ),
      now,
    ],
    finished.length + partial.length + reschedule.length + corrections.length,
  )
  return { held: new Set(rows.flatMap((row) => row.id ?? [])), fresh: rows.some((row) => row.fresh) }
}

async function recordOthers(
  tx: Db,
  now: number,
  settlement: Settlement,
  held: Set<number>,
  heads: { lane: string; tenant: string }[],
): Promise<void> {
  const { blobs, cancelled, progressed, closed } = settlement
  const streams = settlement.finished.filter((page) => isExclusive(page.stream) && held.has(page.lease))
  const restore = settlement.restore.filter((page) => held.has(page.lease))
  const released = settlement.released.filter((grant) => held.has(grant.lease))
  if (blobs.length > 0) await tx.run('dropBlobs', [blobs])
  if (progressed.length > 0) await tx.run('dropProgress', [progressed])
  if (cancelled.length > 0) {
    await tx.run('dropMarks', [...byHead(cancelled), cancelled.map((job) => job.id)])
    await tx.run('forgetMarks', byHead(cancelled))
  }
  if (restore.length > 0) await restorePages(tx, now, restore)
  if (streams.length > 0)
    await tx.run('freeStreams', [...byHead(streams), streams.map((page) => page.stream), now], streams.length)
  if (released.length > 0)
    await tx.run(
      'releaseGrants',
      [released.map((grant) => grant.lease), ...byHead(released)],
      released.length,
    )
  if (closed.length > 0) await tx.run('closeHeads', [...byHead(closed), closed.map((head) => head.until)])
  await tx.run('refreshHeads', [...byHead(heads), now], heads.length)
}

/** The heads must be locked, and refreshed afterwards. */
export async function restorePages(
  tx: Db,
  now: number,
  pages: Omit<Settlement['restore'][number], 'lease'>[],
): Promise<void> {
  const values = columns(
    pages,
    (page) => page.lane,
    (page) => page.tenant,
    (page) => page.stream,
    (page) => page.seq,
    (page) => page.jobs,
    (page) => page.bytes,
    (page) => page.body,
    (page) => page.firstAt,
    (page) => page.openAt,
  )
  await tx.run('restorePages', [...values, now], pages.length)
}

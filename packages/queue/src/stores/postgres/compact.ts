import type { PoolDb } from './db.ts'
import { deadVersions, heldOpen, hotTables } from './sql/compact.ts'

const defaults = {
  /** Dead versions of a hot table from which, while nothing can be vacuumed, it is written anew. */
  deadVersions: 2_000,
  /** Transactions younger than this are none of our business: vacuum gets its turn soon. */
  heldSeconds: 10,
}

/**
 * Writes hot tables anew when a transaction that is held open keeps vacuum from cleaning them: TRUNCATE frees the old
 * versions at once, whoever could still see them. Returns the tables it wrote.
 *
 * The lock is had within a moment or not at all, because everybody else waits behind whoever waits for it: an autovacuum that
 * can clean nothing holds the table for seconds, and with half a second of patience one job in a hundred waited for that
 * long. Looked at every few seconds, a claim then costs 0.7 ms beside a transaction held open for long, and 0.2 ms without;
 * with tables written anew at 20,000 dead versions it was 12 ms.
 */
export async function compact(db: PoolDb, limits = defaults): Promise<string[]> {
  const versions = await db.raw<{ table: string; dead: number; live: number }>(deadVersions, [
    db.schema,
    [...hotTables],
  ])
  const bloated = versions
    .filter(({ dead, live }) => dead > limits.deadVersions && dead > 10 * live)
    .map(({ table }) => table)
  if (bloated.length === 0) return []
  const [state] = await db.raw<{ held: boolean }>(heldOpen, [limits.heldSeconds])
  if (!state?.held) return []
  const written: string[] = []
  for (const table of bloated)
    try {
      await rewrite(db, table)
      written.push(table)
    } catch {
      // Somebody reads the table for long (a dump): it is tried again at the next collection.
    }
  return written
}

function rewrite(db: PoolDb, table: string): Promise<void> {
  // Leases point to workers and go with them.
  const tables = table === 'workers' ? ['workers', 'leases'] : [table]
  const names = tables.map((name) => `${db.schema}.${name}`)
  return db.transaction(async (tx) => {
    await tx.raw(`set local lock_timeout to '50ms'`)
    await tx.raw(`lock table ${names.join(', ')} in access exclusive mode`)
    for (const name of tables)
      await tx.raw(`create temporary table kept_${name} on commit drop as select * from ${db.schema}.${name}`)
    await tx.raw(`truncate ${names.join(', ')}`)
    for (const name of tables)
      await tx.raw(`insert into ${db.schema}.${name} overriding system value select * from kept_${name}`)
  })
}

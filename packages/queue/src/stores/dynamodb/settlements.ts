import type { Settlement } from '../store.ts'
import type { Cancels } from './admin/cancels.ts'
import type { Progress } from './admin/progress.ts'
import type { Cluster } from './cluster/cluster.ts'
import type { Question } from './cluster/mailbox.ts'
import type { LocalSession } from './cluster/sessions.ts'
import type { Blobs } from './items/blobs.ts'
import { shardOf } from './keys.ts'
import { namedLeases, type ShardSettlement, saysLittle, settle } from './shard/settling.ts'

interface Parts {
  cluster: Cluster
  shards: number
  blobs: Blobs
  cancels: Cancels
  progress: Progress
}

/**
 * Takes a settlement apart by shard and lets each shard's owner record its part, in this process or another. When one of them
 * cannot be reached the worker settles again under the same number: the others then answer as before.
 */
export async function settleAll(
  parts: Parts,
  session: LocalSession,
  settlement: Settlement,
): Promise<Set<number>> {
  if (settlement.number <= session.settled.number) return new Set(session.settled.held)
  const byShard = split(settlement, session, parts)
  // Corrections and empty leases alone are not worth a question to another process.
  for (const [shard, part] of byShard)
    if (saysLittle(part) && !parts.cluster.owned.has(shard)) byShard.delete(shard)
  const answers = await Promise.all(
    [...byShard].map(async ([shard, part]) => {
      const question: Question = { ask: 'settle', settlement: part }
      return {
        part,
        held: await parts.cluster.withShard(shard, async (own) => [...(await settle(own, part))], question),
      }
    }),
  )
  const held = new Set(answers.flatMap((answer) => answer.held))
  // A lease that one shard does not know any more is lost, whatever the others say: its worker is being given up for dead,
  // shard by shard. What was recorded under it in the others has happened, and is not run again.
  const lost = answers.flatMap(({ part, held }) =>
    namedLeases({ ...part, emptied: [] }).filter((lease) => !held.includes(lease)),
  )
  for (const lease of lost) held.delete(lease)
  // What no lease is named for counts only for a worker that lost none: a blob it wants to drop may belong to a job that
  // others will run.
  if (lost.length === 0) await dropEnded(parts, settlement)
  session.settled = { number: settlement.number, held }
  for (const lease of settlement.emptied) session.leases.delete(lease)
  return new Set(held)
}

async function dropEnded({ blobs, cancels, progress }: Parts, settlement: Settlement): Promise<void> {
  await Promise.all([
    blobs.delete(settlement.blobs),
    cancels.remove(settlement.cancelled),
    progress.delete(settlement.progressed),
  ])
}

function split(
  settlement: Settlement,
  session: LocalSession,
  { shards }: Parts,
): Map<number, ShardSettlement> {
  const { worker, number } = settlement
  const byShard = new Map<number, ShardSettlement>()
  const of = (shard: number) => {
    let part = byShard.get(shard)
    if (!part) {
      part = {
        ...{ worker, number, finished: [], partial: [], restore: [], reschedule: [], dead: [] },
        ...{ emptied: [], released: [], closed: [], corrections: [] },
      }
      byShard.set(shard, part)
    }
    return part
  }
  const ofTenant = ({ tenant }: { tenant: string }) => of(shardOf(tenant, shards))
  for (const ref of settlement.finished) ofTenant(ref).finished.push(ref)
  for (const ref of settlement.partial) ofTenant(ref).partial.push(ref)
  for (const page of settlement.restore) ofTenant(page).restore.push(page)
  for (const page of settlement.reschedule) ofTenant(page).reschedule.push(page)
  for (const job of settlement.dead) ofTenant(job).dead.push(job)
  for (const grant of settlement.released) ofTenant(grant).released.push(grant)
  for (const head of settlement.closed) ofTenant(head).closed.push(head)
  for (const lease of settlement.emptied)
    for (const shard of session.leases.get(lease) ?? []) of(shard).emptied.push(lease)
  for (const correction of settlement.corrections) ofTenant(correction).corrections.push(correction)
  return byShard
}

import type { NewPage } from '../../../pages/page.ts'
import type { DeadJob } from '../../store.ts'
import type { Effects, SettleOperation } from './operations.ts'
import type { Shard } from './shard.ts'

/**
 * What a settlement does outside of its shard: dead letters, which everybody reads. They are written after the journal says
 * so, because a worker whose leases turn out to be lost must change nothing; and again by the next owner if this one dies in
 * between, which changes nothing the second time.
 */
export async function perform(shard: Shard, effects: Effects): Promise<void> {
  await shard.home.bury(shard.number, effects)
  shard.effects.delete(effects.id)
  if (!shard.lost) shard.journal.pushLater({ t: 'done', effects: effects.id })
}

/** What the last owner recorded and perhaps did not do. */
export async function performAll(shard: Shard): Promise<void> {
  for (const effects of [...shard.effects.values()]) await perform(shard, effects)
}

/** The body of a page that holds one dead letter on its way to where it is read. */
export function letterPage(job: DeadJob): NewPage {
  const { id, lane, tenant, name, data, blob, attempts, reason } = job
  const body = JSON.stringify({ id, lane, tenant, name, data, blob, attempts, reason })
  return { lane, tenant, stream: '', jobs: 1, bytes: Buffer.byteLength(body), body }
}

/** Pushes the operation and does what it says; resolves when both are done. */
export async function record(shard: Shard, operation: SettleOperation): Promise<void> {
  const { effects } = operation
  if (effects) shard.effects.set(effects.id, effects)
  await shard.push(operation)
  if (effects) await perform(shard, effects)
}

import type { Row } from '../client/rows.ts'
import type { Table } from '../client/table.ts'
import { keys } from '../keys.ts'
import { Superseded } from './journal.ts'
import type { SnapshotLocation } from './snapshots.ts'

/** Who owns a shard. Changes hands by a conditional write that counts the epoch up. */
export interface Ownership {
  shard: number
  /** Empty: nobody. */
  owner: string
  epoch: number
  snapshot: SnapshotLocation | undefined
}

export const unowned = (shard: number): Ownership => ({ shard, owner: '', epoch: 0, snapshot: undefined })

export async function readOwners(table: Table): Promise<Ownership[]> {
  return (await table.query({ pk: keys.owners() })).map(ownershipOf)
}

export async function readOwner(table: Table, shard: number): Promise<Ownership> {
  const row = await table.get(keys.owner(shard))
  return row ? ownershipOf(row) : unowned(shard)
}

/** Undefined: somebody else was first. */
export async function takeOver(
  table: Table,
  from: Ownership,
  member: string,
): Promise<Ownership | undefined> {
  const epoch = from.epoch + 1
  const written = await table.tryUpdate(
    keys.owner(from.shard),
    {
      text: 'SET #owner = :member, #epoch = :next, #shard = :shard',
      values: { ':member': member, ':next': epoch, ':shard': from.shard },
    },
    from.epoch === 0
      ? { text: 'attribute_not_exists(pk)' }
      : { text: '#epoch = :epoch', values: { ':epoch': from.epoch } },
  )
  // The answer to an earlier attempt of ours was lost.
  const ours = written.ok || (written.row?.owner === member && written.row.epoch === epoch)
  return ours ? ownershipOf(written.row!) : undefined
}

export async function publishSnapshot(
  table: Table,
  { shard, epoch }: Ownership,
  place: SnapshotLocation,
): Promise<void> {
  const written = await table.tryUpdate(
    keys.owner(shard),
    { text: 'SET #snapshot = :place', values: { ':place': JSON.stringify(place) } },
    { text: '#epoch = :epoch', values: { ':epoch': epoch } },
  )
  if (!written.ok) throw new Superseded(shard)
}

/** Leaves the shard to whoever wants it. */
export async function giveUp(table: Table, { shard, epoch }: Ownership): Promise<void> {
  await table.tryUpdate(
    keys.owner(shard),
    { text: 'SET #owner = :nobody', values: { ':nobody': '' } },
    { text: '#epoch = :epoch', values: { ':epoch': epoch } },
  )
}

function ownershipOf(row: Row): Ownership {
  const snapshot =
    row.snapshot === undefined ? undefined : (JSON.parse(String(row.snapshot)) as SnapshotLocation)
  return { shard: Number(row.shard), owner: String(row.owner), epoch: Number(row.epoch), snapshot }
}

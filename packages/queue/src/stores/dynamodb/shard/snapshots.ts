import { randomBytes } from 'node:crypto'
import type { Table } from '../client/table.ts'
import { keys } from '../keys.ts'
import { pack, unpack } from '../packing.ts'
import { Superseded } from './journal.ts'
import type { SnapshotForm } from './snapshot-form.ts'

/** Where a snapshot is; kept in the shard's owner item. */
export interface SnapshotLocation {
  slot: number
  chunks: number
  /** The record up to which it holds everything. */
  covers: number
  id: string
}

const chunkBytes = 380_000

/**
 * Two snapshots take turns in the same items, so that nothing need be deleted; the one that counts is never written over.
 * An owner that was superseded cannot write over those of its successor.
 */
export class Snapshots {
  readonly #table: Table
  readonly #shard: number
  readonly #epoch: number

  constructor(table: Table, shard: number, epoch: number) {
    this.#table = table
    this.#shard = shard
    this.#epoch = epoch
  }

  async write(text: string, covers: number, slot: number): Promise<SnapshotLocation & { bytes: number }> {
    const packed = await pack(Buffer.from(text))
    const id = randomBytes(6).toString('base64url')
    const chunks = Math.ceil(packed.byteLength / chunkBytes)
    await Promise.all(
      Array.from({ length: chunks }, async (_, chunk) => {
        const d = packed.subarray(chunk * chunkBytes, (chunk + 1) * chunkBytes)
        const row = { ...keys.snapshot(this.#shard, slot, chunk), id, epoch: this.#epoch, d }
        const written = await this.#table.tryPut(row, {
          text: 'attribute_not_exists(pk) or #epoch <= :epoch',
          values: { ':epoch': this.#epoch },
        })
        if (!written.ok) throw new Superseded(this.#shard)
      }),
    )
    return { slot, chunks, covers, id, bytes: packed.byteLength }
  }
}

export async function readSnapshot(
  table: Table,
  shard: number,
  place: SnapshotLocation,
): Promise<SnapshotForm> {
  const wanted = Array.from({ length: place.chunks }, (_, chunk) => keys.snapshot(shard, place.slot, chunk))
  const rows = await table.getMany(wanted)
  const bySk = new Map(rows.filter((row) => row.id === place.id).map((row) => [row.sk, row.d as Uint8Array]))
  const chunks = wanted.map(({ sk }) => bySk.get(sk))
  // Written over by a newer one since its place was read.
  if (chunks.includes(undefined)) throw new SnapshotMoved(shard)
  return JSON.parse(unpack(Buffer.concat(chunks as Uint8Array[])).toString()) as SnapshotForm
}

export class SnapshotMoved extends Error {
  constructor(shard: number) {
    super(`The snapshot of shard ${shard} was replaced while it was read`)
  }
}

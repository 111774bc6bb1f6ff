import type { DeadLetter } from '../../../api/types.ts'
import type { DeadJob } from '../../store.ts'
import type { Key, Row } from '../client/rows.ts'
import { digests, keys, padded } from '../keys.ts'

/** How dead letters are stored: in their tenant's shard, by the time of death. */
export interface StoredDeadLetter extends DeadJob {
  diedAt: number
  shard: number
  sk: string
  /** Of reason and data, what retention counts. */
  bytes: number
}

/** Bytes, of any item in DynamoDB. */
const maxSortKeyLength = 1_024

/** By time, and among letters of the same millisecond by what tells them apart. */
export const deadLetterSortKey = (diedAt: number, name: string): string => `${timeKey(diedAt)}#${name}`

export const timeKey = (at: number): string => String(Math.max(0, Math.floor(at))).padStart(15, '0')

/** Entries of one item sort in their order. */
export function nameOfEntry(item: string | number, entry: number): string {
  const [epoch, n = '0'] = String(item).split('.')
  return `${padded(Number(epoch))}.${padded(Number(n))}.${padded(entry)}`
}

/** Letters from another store are in the order of their refs there, of which numbers count as numbers. */
export function nameOfMoved(origin: string, ref: string): string {
  const sortable = ref.replaceAll(/\d+/g, (digits) => digits.padStart(16, '0')).slice(0, 150)
  return `${sortable}#${digests(origin, ref)}`
}

export function deadLetterRow(
  shard: number,
  sk: string,
  job: DeadJob & { diedAt: number },
  blobBytes: number,
): Row {
  const { id, lane, tenant, name, data, blob, attempts, reason, diedAt } = job
  const bytes = Buffer.byteLength(reason) + (blob === undefined ? Buffer.byteLength(data) : blobBytes)
  return {
    ...keys.deadLetter(shard, sk),
    ...{ id, lane, tenant, name, attempts, reason, diedAt, bytes },
    ...(blob === undefined ? { data } : { blob }),
  }
}

export function deadLetterOfRow(row: Row): StoredDeadLetter {
  const { lane, tenant, id, name, reason } = row as unknown as StoredDeadLetter
  return {
    ...{ id, lane, tenant, name, reason, attempts: Number(row.attempts), diedAt: Number(row.diedAt) },
    ...{ data: row.data === undefined ? 'null' : String(row.data), bytes: Number(row.bytes) },
    ...(row.blob !== undefined && { blob: String(row.blob) }),
    ...{ shard: Number(row.pk.slice(row.pk.indexOf('#') + 1)), sk: row.sk },
  }
}

export const refOf = ({ shard, sk }: { shard: number; sk: string }): string => `${shard}~${sk}`

/**
 * Undefined for what is no ref of ours. A letter has one: two spellings would be two letters to who retries them. And a key
 * beyond what a table takes would be an error.
 */
export function keyOfRef(ref: string): (Key & { shard: number; sk: string }) | undefined {
  const [, shard, sk] = /^(0|[1-9]\d{0,5})~(\d{15}#.+)$/s.exec(ref) ?? []
  if (sk === undefined || Buffer.byteLength(sk) > maxSortKeyLength) return
  return { ...keys.deadLetter(Number(shard), sk), shard: Number(shard) }
}

/** Newest first, the same for everybody. */
export const isNewer = (a: { shard: number; sk: string }, b: { shard: number; sk: string }): boolean =>
  a.sk > b.sk || (a.sk === b.sk && a.shard > b.shard)

export function deadLetterOf(letter: StoredDeadLetter, data?: string): DeadLetter {
  const { id, lane, tenant, name, attempts, reason } = letter
  return {
    ...{ ref: refOf(letter), id, lane, tenant, name, attempts, reason },
    ...(data !== undefined && { data: JSON.parse(data) }),
    diedAt: new Date(letter.diedAt),
  }
}

import { createHash } from 'node:crypto'
import type { Key } from './client/rows.ts'

/**
 * Where everything is in the table, see docs/dynamodb.md. The first word of a partition key says what it is, the second the
 * shard. Bodies have a partition each, so that no tenant's traffic sits on one key.
 */
export const keys = {
  /** Settings of the whole table. */
  meta: (): Key => ({ pk: 'META', sk: '0' }),
  /** Counts worker sessions. */
  workerCounter: (): Key => ({ pk: 'META', sk: 'workers' }),
  sessions: () => 'SESSION',
  session: (worker: number): Key => ({ pk: 'SESSION', sk: padded(worker) }),
  owners: () => 'OWNER',
  owner: (shard: number): Key => ({ pk: 'OWNER', sk: padded(shard) }),
  /** Counters of a shard's intake: tickets, and what else its owner must notice. */
  intake: (shard: number): Key => ({ pk: `INTAKE#${shard}`, sk: '0' }),
  /** Pages of an append (a number) or written by a shard's owner (`epoch.n`). */
  body: (shard: number, item: ItemId): Key => ({ pk: `BODY#${shard}#${item}`, sk: '0' }),
  /** Whether an append of several items happened. */
  commit: (id: string): Key => ({ pk: `COMMIT#${id}`, sk: '0' }),
  journal: (shard: number) => `JOURNAL#${shard}`,
  journalSlot: (shard: number, slot: number): Key => ({ pk: `JOURNAL#${shard}`, sk: padded(slot) }),
  snapshot: (shard: number, slot: number, chunk: number): Key => ({
    pk: `SNAPSHOT#${shard}`,
    sk: `${slot}#${padded(chunk)}`,
  }),
  segments: (shard: number) => `SEGMENT#${shard}`,
  segment: (shard: number, id: string): Key => ({ pk: `SEGMENT#${shard}`, sk: id }),
  mails: (shard: number) => `MAIL#${shard}`,
  mail: (shard: number, id: string): Key => ({ pk: `MAIL#${shard}`, sk: id }),
  reply: (id: string): Key => ({ pk: `REPLY#${id}`, sk: '0' }),
  blob: (id: string, chunk: number): Key => ({ pk: `BLOB#${id}`, sk: padded(chunk) }),
  summaries: () => 'SUMMARY',
  summary: (shard: number): Key => ({ pk: 'SUMMARY', sk: padded(shard) }),
  controls: (shard: number) => `TENANT#${shard}`,
  control: (shard: number, tenant: string): Key => ({ pk: `TENANT#${shard}`, sk: tenant }),
  lanes: () => 'LANE',
  lane: (lane: string): Key => ({ pk: 'LANE', sk: lane }),
  marks: (shard: number) => `CANCELLED#${shard}`,
  mark: (shard: number, lane: string, tenant: string, id: string): Key => ({
    pk: `CANCELLED#${shard}`,
    sk: digests(tenant, lane, id),
  }),
  uniques: (shard: number, part: number) => `UNIQUE#${shard}#${part}`,
  unique: (shard: number, lane: string, tenant: string, key: string): Key => ({
    pk: `UNIQUE#${shard}#${hash(key) % uniqueParts}`,
    sk: digests(tenant, lane, key),
  }),
  deadLetters: (shard: number) => `DEAD#${shard}`,
  deadLetter: (shard: number, sk: string): Key => ({ pk: `DEAD#${shard}`, sk }),
  letterCounts: () => 'DEADCOUNT',
  letterCount: (lane: string): Key => ({ pk: 'DEADCOUNT', sk: lane }),
  progresses: (part: number) => `PROGRESS#${part}`,
  progress: (id: string): Key => ({ pk: `PROGRESS#${hash(id) % progressParts}`, sk: id }),
  schedules: () => 'SCHEDULE',
  schedule: (id: string): Key => ({ pk: 'SCHEDULE', sk: id }),
}

/** Identifies an item of pages within its shard: the ticket of an append, or `epoch.n` when the shard's owner wrote it. */
export type ItemId = number | string

export const uniqueParts = 4
export const progressParts = 8

/** Sort keys of names: three names of 200 characters may be longer than the 1,024 bytes that a sort key may have. */
export const digests = (...names: string[]): string => names.map(digest).join('#')

const digest = (name: string): string => createHash('sha256').update(name).digest('base64url').slice(0, 22)

/** Sorts as the number does. */
export const padded = (n: number): string => String(n).padStart(12, '0')

/** All lanes of a tenant are in one shard. Never change it: it says where stored jobs are. */
export const shardOf = (tenant: string, shards: number): number => hash(tenant) % shards

export function hash(text: string): number {
  return createHash('md5').update(text).digest().readUInt32LE(0)
}

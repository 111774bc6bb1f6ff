import type { HeapItem } from '../../../common/heap.ts'
import type { Part } from '../items/bodies.ts'
import type { Entry } from '../items/page-item.ts'
import type { ItemId } from '../keys.ts'

/** A page that waits, is scheduled or is leased: all but its body. */
export interface StoredPage extends HeapItem {
  lane: string
  tenant: string
  stream: string
  parts: Part[]
  jobs: number
  bytes: number
  /** When it became claimable; 0 while it is scheduled. */
  readyAt: number
  firstAt: number
  /** 0: it is not scheduled. */
  dueAt: number
  alone: boolean
  blobs: boolean
  /** Place in its stream as leases name it, given at its first claim. */
  seq: number
  /** Finished positions in its joined body. */
  done: number[]
  /** From when on the time counts after which TTL takes its bodies; 0: since it was due or became claimable. */
  since: number
  /** Order of arrival in this owner's memory. */
  order: number
}

/** Replaced and never changed, so that all pages share it. */
const none: number[] = []

interface Beginning {
  lane: string
  tenant: string
  stream: string
  parts: Part[]
  readyAt: number
  firstAt: number
  dueAt: number
  alone: boolean
  blobs: boolean
}

/** Written out member by member: put together from other objects, a page takes three times the memory. */
export function newPage(from: Beginning, seq = 0, done = none, since = 0): StoredPage {
  const { jobs, bytes } = sizesOf(from.parts)
  return {
    lane: from.lane,
    tenant: from.tenant,
    stream: from.stream,
    parts: from.parts,
    jobs,
    bytes,
    readyAt: from.readyAt,
    firstAt: from.firstAt,
    dueAt: from.dueAt,
    alone: from.alone,
    blobs: from.blobs,
    seq,
    done: done.length > 0 ? done : none,
    since,
    order: 0,
    heapIndex: -1,
  }
}

/** A page as it comes from the intake. */
export function pageOf(entry: Entry, part: Part, at: number): StoredPage {
  const { lane, tenant, stream, dueAt, alone, blobs } = entry
  const readyAt = dueAt === 0 ? at : 0
  const firstAt = entry.firstAt || dueAt || at
  return newPage({ lane, tenant, stream, parts: [part], readyAt, firstAt, dueAt, alone, blobs })
}

/** A page as it is written in journals, snapshots and segments: short, and without names that are known from its place. */
export type Line = [
  /** Where its jobs are, four members for each part. */
  parts: (ItemId | number)[],
  readyAt: number,
  firstAt: number,
  dueAt: number,
  flags: number,
  seq: number,
  done: number[],
  since: number,
  lane?: string,
  tenant?: string,
  stream?: string,
]

export type StreamAddress = { lane: string; tenant: string; stream: string }

const aloneFlag = 1
const blobsFlag = 2

export function lineOf(page: StoredPage, named: boolean): Line {
  const parts = page.parts.flatMap(({ item, entry, jobs, bytes }) => [item, entry, jobs, bytes])
  const flags = (page.alone ? aloneFlag : 0) | (page.blobs ? blobsFlag : 0)
  const line: Line = [parts, page.readyAt, page.firstAt, page.dueAt, flags, page.seq, page.done, page.since]
  if (named) line.push(page.lane, page.tenant, page.stream)
  return line
}

export function fromLine(line: Line, place?: StreamAddress): StoredPage {
  const [flat, readyAt, firstAt, dueAt, flags, seq, done, since, lane, tenant, stream] = line
  const parts: Part[] = []
  for (let n = 0; n < flat.length; n += 4)
    parts.push({
      item: flat[n]!,
      entry: flat[n + 1] as number,
      jobs: flat[n + 2] as number,
      bytes: flat[n + 3] as number,
    })
  const names = place ?? { lane: lane!, tenant: tenant!, stream: stream! }
  const [alone, blobs] = [(flags & aloneFlag) > 0, (flags & blobsFlag) > 0]
  const { lane: ofLane, tenant: ofTenant, stream: ofStream } = names
  return newPage(
    { lane: ofLane, tenant: ofTenant, stream: ofStream, parts, readyAt, firstAt, dueAt, alone, blobs },
    ...([seq, done, since] as const),
  )
}

export const sinceOf = (page: StoredPage): number => page.since || page.readyAt || page.dueAt

/** Bodies of parts are joined by a comma. */
export const sizesOf = (parts: Part[]): { jobs: number; bytes: number } => ({
  jobs: parts.reduce((sum, part) => sum + part.jobs, 0),
  bytes: parts.reduce((sum, part) => sum + part.bytes, parts.length - 1),
})

/** Names a part in a journal. */
export const nameOfPart = ({ item, entry }: { item: ItemId; entry: number }): string => `${item}/${entry}`

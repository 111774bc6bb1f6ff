import type { ScheduledPage } from '../../../pages/page.ts'
import type { Shard } from './shard.ts'
import { nameOfPart, type StoredPage } from './stored-page.ts'

export interface Scheduled {
  ref: string
  page: ScheduledPage
}

/** An answer to another process must fit an item. */
const maxBytes = 300_000

const refOf = (shard: Shard, page: StoredPage): string => `${shard.number}/${nameOfPart(page.parts[0]!)}`
export const shardOfRef = (ref: string): number => Number.parseInt(ref, 10)

/** Scheduled pages with their bodies, due first first; fewer than asked for where they are large. */
export async function dumpScheduled(shard: Shard, limit: number): Promise<Scheduled[]> {
  const { due } = shard.state
  const firstOnes = () =>
    [...due.pages].sort((a, b) => a.dueAt - b.dueAt || a.order - b.order).slice(0, limit)
  let pages = firstOnes()
  // What is on disk may be due before what is in memory.
  for (;;) {
    const last = pages.length < limit ? Number.POSITIVE_INFINITY : pages.at(-1)!.dueAt
    if (!due.chunkDue(last)) break
    await shard.disk.loadDue(due.chunks[0]!.dueAt)
    pages = firstOnes()
  }
  let bytes = 0
  const fitting = pages.filter((page, n) => (bytes += page.bytes) <= maxBytes || n === 0)
  const bodies = await shard.home.bodies.readAvailable(shard.number, fitting)
  return fitting.flatMap((page, n) => {
    const body = bodies[n]
    if (body === undefined) return []
    const { lane, tenant, stream, jobs, bytes, dueAt, firstAt, alone } = page
    return [
      {
        ref: refOf(shard, page),
        page: { lane, tenant, stream, jobs, bytes, body, dueAt, firstAt, ...(alone && { alone }) },
      },
    ]
  })
}

/** Takes scheduled pages out; those that are not scheduled any more are passed over. */
export async function dropScheduled(shard: Shard, refs: string[]): Promise<void> {
  const { state } = shard
  const wanted = new Set(refs)
  const find = () => [...state.due.pages].filter((page) => wanted.has(refOf(shard, page)))
  let pages = find()
  if (pages.length < wanted.size && state.due.chunks.length > 0) {
    await shard.disk.loadDue(Number.POSITIVE_INFINITY)
    pages = find()
  }
  if (pages.length === 0) return
  for (const page of pages) {
    state.due.remove(page)
    state.countScheduled(page, -1)
    state.countPages(-1)
  }
  await shard.push({
    t: 'drop',
    pages: pages.map(({ parts }) => parts.flatMap(({ item, entry }) => [item, entry])),
  })
}

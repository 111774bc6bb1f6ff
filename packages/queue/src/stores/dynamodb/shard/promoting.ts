import { maxPageBytes, maxPageJobs } from '../../../pages/page.ts'
import type { Head } from './head.ts'
import type { PageQueue } from './page-queue.ts'
import type { Shard } from './shard.ts'
import type { ShardState } from './state.ts'
import { type StoredPage, sinceOf, sizesOf } from './stored-page.ts'

/** What is on disk is read back so long before it is due. */
const readAheadMs = 1_000

export interface Promoted {
  jobs: number
  pages: number
  nextAt: number
}

/**
 * Moves due pages to their streams and opens what was closed until now. Nothing of it is written: an owner that dies leaves
 * what is due as scheduled, and the next one moves it again.
 */
export async function promote(shard: Shard, limit: number): Promise<Promoted> {
  const { state, disk } = shard
  const now = shard.home.now()
  await disk.loadDue(now + readAheadMs)
  shard.check()
  const due: StoredPage[] = []
  while (due.length < limit) {
    const page = state.due.shiftDue(now)
    if (!page) break
    due.push(page)
  }
  let jobs = 0
  for (const page of due) {
    state.countScheduled(page, -1)
    jobs += page.jobs
  }
  const joined = joinPages(due, now)
  state.countPages(joined.length - due.length)
  for (const page of joined) state.enqueue(page)
  disk.relieve()
  const opened = openClosed(state, now)
  const nextAt = Math.min(opened.nextAt, state.due.nextAt ?? Number.POSITIVE_INFINITY)
  return { jobs: jobs + opened.jobs, pages: due.length, nextAt }
}

/** Joins small due pages of one stream into full ones: single retries and delayed jobs must not stay single pages. */
function joinPages(pages: StoredPage[], now: number): StoredPage[] {
  const joined: StoredPage[] = []
  const open = new Map<string, StoredPage>()
  for (const page of pages) {
    const key = JSON.stringify([page.lane, page.tenant, page.stream])
    const last = open.get(key)
    if (
      last &&
      !page.alone &&
      last.jobs + page.jobs <= maxPageJobs &&
      last.bytes + page.bytes < maxPageBytes
    ) {
      last.parts.push(...page.parts)
      Object.assign(last, sizesOf(last.parts))
      last.firstAt = Math.min(last.firstAt, page.firstAt)
      last.since = Math.min(last.since, sinceOf(page))
      last.blobs ||= page.blobs
      continue
    }
    Object.assign(page, { since: sinceOf(page), dueAt: 0, readyAt: now })
    joined.push(page)
    // A page that stays alone also ends the one before it: what comes later must not overtake it.
    if (page.alone) open.delete(key)
    else open.set(key, page)
  }
  return joined
}

/** Heads and streams whose time has come; `nextAt` is the time of the first that stays closed. */
export function openClosed(state: ShardState, now: number): { jobs: number; nextAt: number } {
  let jobs = 0
  let nextAt = Number.POSITIVE_INFINITY
  const over = (time: number | undefined) => {
    if (time !== undefined && time > now) nextAt = Math.min(nextAt, time)
    return time !== undefined && time <= now
  }
  for (const head of state.timed) {
    const before = jobs
    for (const stream of [...head.streams.values()])
      if (over(stream.openAt)) {
        stream.openAt = undefined
        jobs += jobsIn(stream.queue)
        state.refreshStream(head, stream)
      }
    const closed = head.closedUntil ?? head.pacedUntil
    if (over(head.closedUntil)) head.closedUntil = undefined
    if (over(head.pacedUntil)) head.pacedUntil = undefined
    const open = head.closedUntil === undefined && head.pacedUntil === undefined
    if (closed !== undefined && open) jobs = before + head.waitingJobs
    state.refresh(head)
    if (open && !hasClosedStream(head)) state.timed.delete(head)
  }
  return { jobs, nextAt }
}

const hasClosedStream = (head: Head): boolean => {
  for (const stream of head.streams.values()) if (stream.openAt !== undefined) return true
  return false
}

const jobsIn = (queue: PageQueue): number =>
  [...queue.front, ...queue.chunks, ...queue.back].reduce((sum, { jobs }) => sum + jobs, 0)

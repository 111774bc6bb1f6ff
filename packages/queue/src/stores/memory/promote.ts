import type { ScheduledPage } from '../../pages/page.ts'
import { maxPageBytes, maxPageJobs } from '../../pages/page.ts'
import { makeClaimable } from './append.ts'
import { sumOf, type Tables, waitingIn } from './tables.ts'

/** Moves due pages to their streams and opens what was closed until now. */
export function promote(tables: Tables, limit: number): { jobs: number; nextDueAt: number | undefined } {
  const now = tables.now()
  const waiting = [...tables.scheduled].sort(([m, a], [n, b]) => a.dueAt - b.dueAt || m - n)
  const due = waiting.filter(([, page]) => page.dueAt <= now).slice(0, limit)
  for (const [number] of due) tables.scheduled.delete(number)
  for (const page of joinPages(due.map(([, page]) => page))) makeClaimable(tables, page)
  const moved = sumOf(due, ([, page]) => page.jobs)
  const { jobs, nextAt } = openClosed(tables, now)
  const nextDueAt = Math.min(nextAt, waiting[due.length]?.[1].dueAt ?? Number.POSITIVE_INFINITY)
  return { jobs: moved + jobs, nextDueAt: Number.isFinite(nextDueAt) ? nextDueAt : undefined }
}

/** Heads and streams whose time has come; `nextAt` is the time of the first that stays closed. */
export function openClosed(tables: Tables, now: number): { jobs: number; nextAt: number } {
  let jobs = 0
  let nextAt = Number.POSITIVE_INFINITY
  const over = (time: number | undefined) => {
    if (time === undefined) return false
    if (time > now) nextAt = Math.min(nextAt, time)
    return time <= now
  }
  for (const head of tables.heads.values()) {
    const before = jobs
    for (const stream of head.streams.values())
      if (over(stream.openAt)) {
        stream.openAt = undefined
        jobs += sumOf(stream.pages, (page) => page.jobs)
      }
    const closed = head.closedUntil ?? head.pacedUntil
    if (over(head.closedUntil)) head.closedUntil = undefined
    if (over(head.pacedUntil)) head.pacedUntil = undefined
    const open = head.closedUntil === undefined && head.pacedUntil === undefined
    if (closed !== undefined && open) jobs = before + sumOf(waitingIn(head), (page) => page.jobs)
  }
  return { jobs, nextAt }
}

/** Joins small due pages of one stream into full ones: single retries and transactional adds must not stay single pages. */
function joinPages(pages: ScheduledPage[]): ScheduledPage[] {
  const joined: ScheduledPage[] = []
  const open = new Map<string, ScheduledPage>()
  for (const page of pages) {
    const key = JSON.stringify([page.lane, page.tenant, page.stream])
    const firstAt = page.firstAt ?? page.dueAt
    const last = open.get(key)
    if (
      last &&
      !page.alone &&
      last.jobs + page.jobs <= maxPageJobs &&
      last.bytes + page.bytes < maxPageBytes
    ) {
      last.jobs += page.jobs
      last.bytes += page.bytes + 1
      last.body += `,${page.body}`
      last.firstAt = Math.min(last.firstAt!, firstAt)
      continue
    }
    const copy = { ...page, firstAt }
    joined.push(copy)
    // A page that stays alone also ends the one before it: what comes later must not overtake it.
    if (page.alone) open.delete(key)
    else open.set(key, copy)
  }
  return joined
}

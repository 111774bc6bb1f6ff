import { backoffMs, defaultRetry } from '../common/backoff.ts'
import {
  attemptsOf,
  blobIdOf,
  dataOf,
  decodeBody,
  encodeBody,
  encodeRecord,
  idOf,
  type JobRecord,
  lossesOf,
  lostAgain,
  nameOf,
} from '../pages/job-record.ts'
import { packPages } from '../pages/pack-pages.ts'
import type { ScheduledPage } from '../pages/page.ts'
import { isExclusive } from '../pages/streams.ts'
import type { DeadJob, LossLimits } from './store.ts'

/**
 * What becomes of a job whose workers die is decided by whoever notices, not by its worker's `retry`. Five: a job that stalls
 * its process costs each of its neighbours a lease every time.
 */
export const lossLimits: LossLimits = { maxAttempts: defaultRetry.maxAttempts, maxLosses: 5 }
/** Lost this often, a page is taken apart: one of its jobs may be what kills the workers, and must not take others along. */
const splitAfterLosses = 2

interface LostPage {
  lane: string
  tenant: string
  stream: string
  firstAt: number
  done: number[] | null
  body: string
  /** Of a session that was to take it to another store, and ran nothing. */
  moving: boolean
}

export interface Returned {
  /** Of ordinary and priority streams: to be stored again. */
  pages: ScheduledPage[]
  /** Of exclusive streams: what is left of page `index` goes back to its place, or nothing is left (null). */
  restored: { index: number; page: { jobs: number; bytes: number; body: string } | null }[]
  dead: DeadJob[]
  jobs: number
}

/**
 * What becomes of pages whose worker fell silent: every unfinished job has one attempt more. Lost once, it is due at once;
 * lost again, it comes back on a page of its own after a random pause that grows, so that a job that kills its worker is
 * soon alone, and dies alone: those that only happened to be beside it run in between. Of an exclusive stream only the
 * first unfinished job can have been running: the others wait behind it as before.
 *
 * @param random from 0 to 1, for tests.
 */
export function returnJobs(
  lost: LostPage[],
  { now, maxAttempts, maxLosses = maxAttempts }: LossLimits & { now: number },
  random: () => number = Math.random,
): Returned {
  const returned: Returned = { pages: [], restored: [], dead: [], jobs: 0 }
  for (const [index, page] of lost.entries()) {
    const done = new Set(page.done ?? [])
    const unfinished = decodeBody(page.body).filter((_, position) => !done.has(position))
    returned.jobs += unfinished.length
    if (isExclusive(page.stream)) restore(page, index, unfinished)
    else if (page.moving) sendBackWhole(page, unfinished)
    else sendBack(page, unfinished)
  }
  return returned

  function restore(page: LostPage, index: number, unfinished: JobRecord[]) {
    const [first, ...others] = unfinished
    const kept = page.moving || !first ? unfinished : [...lostOnce(page, [first]), ...others]
    returned.restored.push({ index, page: kept.length > 0 ? encodeBody(kept) : null })
  }

  /** The same page again: who moves it next recognises what has already arrived. */
  function sendBackWhole({ lane, tenant, stream, firstAt }: LostPage, unfinished: JobRecord[]) {
    if (unfinished.length > 0)
      returned.pages.push({
        lane,
        tenant,
        stream,
        firstAt,
        ...encodeBody(unfinished),
        dueAt: now,
        alone: true,
      })
  }

  function sendBack(page: LostPage, unfinished: JobRecord[]) {
    const together = []
    for (const job of lostOnce(page, unfinished)) {
      const record = encodeRecord(job)
      const { lane, tenant, stream, firstAt } = page
      const packable = { lane, tenant, stream, record, bytes: Buffer.byteLength(record) }
      const losses = lossesOf(job)
      if (losses < splitAfterLosses) together.push(packable)
      else {
        const dueAt = now + backoffMs(losses, defaultRetry, random)
        returned.pages.push(
          ...packPages([packable]).map((single) => ({ ...single, firstAt, dueAt, alone: true })),
        )
      }
    }
    const { firstAt } = page
    returned.pages.push(...packPages(together).map((whole) => ({ ...whole, firstAt, dueAt: now })))
  }

  /** With one attempt more each, without those that had their last. */
  function lostOnce(page: LostPage, records: JobRecord[]): JobRecord[] {
    return records.flatMap((record): JobRecord[] => {
      const attempts = attemptsOf(record) + 1
      const losses = lossesOf(record) + 1
      if (attempts < maxAttempts && losses < maxLosses)
        return [lostAgain(record, attempts, losses, page.firstAt)]
      const blob = blobIdOf(record)
      const reason = `its worker died or lost its lease ${losses} times while holding it`
      const { lane, tenant, stream } = page
      returned.dead.push({
        id: idOf(record),
        lane,
        tenant,
        stream,
        name: nameOf(record),
        data: JSON.stringify(dataOf(record)),
        attempts,
        reason,
        ...(blob && { blob }),
      })
      return []
    })
  }
}

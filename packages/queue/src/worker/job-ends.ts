import { inspect } from 'node:util'
import { Discard, Snooze } from '../api/errors.ts'
import { limits } from '../api/limits.ts'
import type { RetryPolicy } from '../api/types.ts'
import { backoffMs } from '../common/backoff.ts'
import { roundDueTime } from '../pages/due-time.ts'
import {
  attemptsOf,
  blobIdOf,
  dataOf,
  encodeBody,
  encodeRecord,
  firstReadyOf,
  idOf,
  type JobRecord,
  nameOf,
  retried,
} from '../pages/job-record.ts'
import { packPages } from '../pages/pack-pages.ts'
import type { Lane } from './lanes/lane.ts'
import type { HeldPage, ReadyJob } from './lanes/ready-job.ts'
import type { Settler } from './settler.ts'

const maxReasonLength = 2_000

/** Thrown nowhere: marks a job that was cancelled before it ran, or while. */
export class Cancelled extends Error {
  constructor() {
    super('the job was cancelled')
  }
}

export type Outcome = 'completed' | 'snoozed' | 'retried' | 'dead' | 'cancelled'

/** Settles one job by how it ended (undefined: it succeeded), and what must stay behind it in order. */
export class JobEnds {
  readonly #retry: Required<RetryPolicy>
  readonly #now: () => number
  /** When the job runs again that was settled last, if it was `retried`. */
  retryAt = 0

  constructor(retry: Required<RetryPolicy>, now: () => number) {
    this.#retry = retry
    this.#now = now
  }

  settle(settler: Settler, lane: Lane, job: ReadyJob, end: unknown): Outcome {
    const { page, record } = job
    if (end === undefined) return this.#drop(settler, job, 'completed')
    if (end instanceof Cancelled) {
      settler.dropMark(page.lane, page.tenant, idOf(record))
      return this.#drop(settler, job, 'cancelled')
    }
    const now = this.#now()
    if (end instanceof Snooze) {
      const delayMs = validDelay(end.delayMs)
      if (delayMs === undefined) return this.settle(settler, lane, job, notADelay(end.delayMs))
      this.#again(
        settler,
        lane,
        job,
        this.#stamped(job, attemptsOf(record)),
        roundDueTime(now + delayMs, now),
      )
      return 'snoozed'
    }
    const attempts = attemptsOf(record) + 1
    if (attempts < this.#retry.maxAttempts && !(end instanceof Discard)) {
      this.retryAt = roundDueTime(now + backoffMs(attempts, this.#retry), now)
      this.#again(settler, lane, job, this.#stamped(job, attempts), this.retryAt)
      return 'retried'
    }
    this.#bury(settler, job, attempts, end)
    return 'dead'
  }

  /** Jobs that did not run go back: to the end of their tenant's queue, those of a key to where they were. */
  release(settler: Settler, jobs: ReadyJob[]): void {
    const byPage = new Map<HeldPage, ReadyJob[]>()
    for (const job of jobs) {
      if (job.page.lost) continue
      const group = byPage.get(job.page)
      if (group) group.push(job)
      else byPage.set(job.page, [job])
    }
    for (const [page, group] of byPage) {
      if (page.key !== undefined) {
        restore(
          settler,
          page,
          group.map(({ record }) => record),
          0,
        )
        continue
      }
      this.storeAgain(
        settler,
        page,
        group.map(({ record }) => record),
        group.length,
      )
      for (const { position } of group) settler.finish(page, position)
    }
  }

  /** Stores records for at once, in pages of at most `most` jobs that are not joined again. */
  storeAgain(settler: Settler, page: HeldPage, records: JobRecord[], most: number): void {
    const { lane, tenant, stream, firstAt } = page
    const dueAt = this.#now()
    for (let from = 0; from < records.length; from += most) {
      const packables = records.slice(from, from + most).map((record) => {
        const encoded = encodeRecord(record)
        return { lane, tenant, stream, record: encoded, bytes: Buffer.byteLength(encoded) }
      })
      for (const again of packPages(packables))
        settler.reschedule(page, { ...again, firstAt, dueAt, alone: most < records.length })
    }
  }

  #drop(settler: Settler, { page, position, record }: ReadyJob, outcome: Outcome): Outcome {
    const blob = blobIdOf(record)
    if (blob) settler.dropBlob(blob)
    settler.finish(page, position)
    return outcome
  }

  /** The job as it is stored again: with its attempts and the time when it was first ready. */
  #stamped({ page, record }: ReadyJob, attempts: number): JobRecord {
    return retried(record, attempts, page.firstAt)
  }

  #again(settler: Settler, lane: Lane, { page, position }: ReadyJob, record: JobRecord, dueAt: number): void {
    if (page.key !== undefined) {
      // Order: what waits behind it goes back with it, and the key is closed until it may run again.
      const behind = lane.takeBehind(page.tenant, page.key)
      restore(settler, page, [record, ...behind.map((job) => job.record)], dueAt)
      return
    }
    const body = encodeRecord(record)
    const { lane: laneName, tenant, stream } = page
    const firstAt = firstReadyOf(record) ?? page.firstAt
    settler.reschedule(page, {
      lane: laneName,
      tenant,
      stream,
      jobs: 1,
      bytes: Buffer.byteLength(body),
      body,
      firstAt,
      dueAt,
    })
    settler.finish(page, position)
  }

  #bury(settler: Settler, job: ReadyJob, attempts: number, end: unknown): void {
    const { page, position, record } = job
    const reason = reasonOf(end)
    const { lane, tenant } = page
    const blob = blobIdOf(record)
    settler.bury(page, {
      id: idOf(record),
      lane,
      tenant,
      name: nameOf(record),
      data: JSON.stringify(dataOf(record)),
      ...(blob && { blob }),
      stream: page.stream,
      attempts,
      reason,
    })
    settler.finish(page, position)
  }
}

/** What is past already is now; undefined for what is no time to wait. */
function validDelay(ms: unknown): number | undefined {
  return typeof ms === 'number' && ms <= limits.delayMs ? Math.max(0, ms) : undefined
}

const notADelay = (ms: unknown) =>
  new Error(
    `a snooze needs a number of milliseconds up to ${limits.delayMs}, not ${inspect(ms, { depth: 0 })}`,
  )

/** What an error says, as dead letters keep it. Handlers throw anything: errors whose message is an object, objects that can't become text. */
export function reasonOf(end: unknown): string {
  try {
    const said: unknown = end instanceof Error ? end.message : end
    const text = typeof said === 'string' ? said : inspect(said, { depth: 3 })
    return text.replaceAll('\u0000', '').slice(0, maxReasonLength)
  } catch {
    return 'an error that can not be shown as text'
  }
}

function restore(settler: Settler, page: HeldPage, records: JobRecord[], openAt: number): void {
  settler.restore(page, encodeBody(records), openAt)
}

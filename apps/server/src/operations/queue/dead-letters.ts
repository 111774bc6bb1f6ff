import type { DeadLetter, DeadLetterFilter, Json } from '@fairway/queue'
import type { App } from '../../platform/app.ts'
import { type Page, readCursor, toPage, writeCursor } from '../../platform/db/cursor.ts'
import { invalidField, notFound } from '../../platform/errors.ts'

/** A number in PostgreSQL; in DynamoDB the letter's shard and its key there. */
export const refShape = /^\d{1,18}(~[\w~#.-]{1,230})?$/

/** A job that failed for good. */
export interface DeadJob {
  /** Names it in the other routes. */
  ref: string
  /** The job's own id. */
  id: string
  lane: string
  name: string
  attempts: number
  reason: string
  diedAt: Date
}

export interface DeadJobDetail extends DeadJob {
  data: Json
}

export type DeadJobFilter = Pick<DeadLetterFilter, 'lane' | 'name' | 'reason' | 'before'>

/** The ones named, or all that match. */
export interface WhichDeadJobs {
  refs?: string[]
  matching?: DeadJobFilter
}

/** Newest first, without their data, which may be large. */
export async function listDeadJobs(
  app: App,
  projectId: number,
  filter: DeadJobFilter,
  { limit, cursor }: { limit: number; cursor?: string },
): Promise<Page<DeadJob>> {
  const [after] = cursor === undefined ? [] : readCursor(cursor, refShape)
  const deadLetters = await app.queue.deadLetters({
    ...filter,
    tenant: String(projectId),
    ...(after && { after }),
    limit: limit + 1,
    withData: false,
  })
  return toPage(deadLetters, limit, (last) => writeCursor(last.ref), describe)
}

const describe = ({ ref, id, lane, name, attempts, reason, diedAt }: DeadLetter): DeadJob => ({
  ref,
  id,
  lane,
  name,
  attempts,
  reason,
  diedAt,
})

/** @throws {ApiError} 404, also for another project's */
export async function getDeadJob(app: App, projectId: number, ref: string): Promise<DeadJobDetail> {
  const [letter] = await app.queue.deadLetters({ tenant: String(projectId), refs: [ref], limit: 1 })
  if (!letter) throw notFound('Dead job')
  return { ...describe(letter), data: letter.data! }
}

/** Runs them again from their first attempt, spread over time when there is a rate. Returns how many. */
export async function redriveDeadJobs(
  app: App,
  projectId: number,
  which: WhichDeadJobs,
  perSecond?: number,
): Promise<number> {
  return app.queue.redrive(scoped(projectId, which), perSecond === undefined ? {} : { perSecond })
}

/** Removes them for good. Returns how many. */
export async function discardDeadJobs(app: App, projectId: number, which: WhichDeadJobs): Promise<number> {
  return app.queue.discard(scoped(projectId, which))
}

/** The queue takes any letter by its ref alone, so refs of other projects must end here. */
function scoped(projectId: number, { refs, matching }: WhichDeadJobs): DeadLetterFilter {
  if ((refs === undefined) === (matching === undefined))
    throw invalidField('refs', 'Send either refs or matching: which dead jobs it is about')
  return { ...matching, ...(refs && { refs }), tenant: String(projectId) }
}

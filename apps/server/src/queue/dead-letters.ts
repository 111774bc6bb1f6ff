import type { DeadLetter, DeadLetterFilter, Json } from '@fairway/queue'
import type { App } from '../app.ts'
import { integerShape, type Page, readCursor, toPage, writeCursor } from '../db/cursor.ts'
import { invalidField, notFound } from '../errors.ts'

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
  const [after] = cursor === undefined ? [] : readCursor(cursor, integerShape)
  const letters = await app.queue.deadLetters({
    ...filter,
    tenant: String(projectId),
    ...(after && { after }),
    limit: limit + 1,
  })
  return toPage(letters, limit, (last) => writeCursor(last.ref), withoutData)
}

const withoutData = ({ ref, id, lane, name, attempts, reason, diedAt }: DeadLetter): DeadJob => ({
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
  const [letter] = await findOwn(app, projectId, [ref])
  if (!letter) throw notFound('Dead job')
  return { ...withoutData(letter), data: letter.data }
}

/** Runs them again from their first attempt, spread over time when there is a rate. Returns how many. */
export async function redriveDeadJobs(
  app: App,
  projectId: number,
  which: WhichDeadJobs,
  perSecond?: number,
): Promise<number> {
  return app.queue.redrive(await scoped(app, projectId, which), perSecond === undefined ? {} : { perSecond })
}

/** Removes them for good. Returns how many. */
export async function discardDeadJobs(app: App, projectId: number, which: WhichDeadJobs): Promise<number> {
  return app.queue.discard(await scoped(app, projectId, which))
}

/** The queue takes any letter by its ref, so refs of other projects must end here. */
async function scoped(
  app: App,
  projectId: number,
  { refs, matching }: WhichDeadJobs,
): Promise<DeadLetterFilter | string[]> {
  if ((refs === undefined) === (matching === undefined))
    throw invalidField('refs', 'Send either refs or matching: which dead jobs it is about')
  if (matching) return { ...matching, tenant: String(projectId) }
  return (await findOwn(app, projectId, refs!)).map(({ ref }) => ref)
}

/**
 * Those of these letters that are the project's. Refs are numbers that grow, and `after` continues below one: letters that
 * stand together in the list are found by one query.
 */
async function findOwn(app: App, projectId: number, refs: string[]): Promise<DeadLetter[]> {
  const wanted = [...new Set(refs.map(BigInt))].toSorted((a, b) => (a < b ? 1 : -1))
  const found: DeadLetter[] = []
  while (wanted.length > 0) {
    const letters = await app.queue.deadLetters({
      tenant: String(projectId),
      after: String(wanted[0]! + 1n),
      limit: wanted.length,
    })
    const last = letters.at(-1)
    if (!last) break
    const asked = new Set(wanted)
    found.push(...letters.filter(({ ref }) => asked.has(BigInt(ref))))
    const seenTo = BigInt(last.ref)
    while (wanted.length > 0 && wanted[0]! >= seenTo) wanted.shift()
  }
  return found
}

import { Type } from 'typebox'
import { ApiError, invalidField } from './errors.ts'

/** For a body of changes: the `updatedAt` that whoever changes something has read. Left out, they overwrite what is there. */
export const readAtMember = { updatedAt: Type.Optional(Type.String({ maxLength: 40 })) }

export const readAtDescription =
  'With the `updatedAt` that was read, 409 `changed_meanwhile` where somebody else changed it since.'

/** Takes the `updatedAt` out of a body that is checked by hand. @throws {ApiError} 422 */
export function takeReadAt(body: unknown): { changes: unknown; readAt?: string } {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return { changes: body }
  const { updatedAt, ...changes } = body as { updatedAt?: unknown }
  if (updatedAt !== undefined && typeof updatedAt !== 'string') throw unreadable()
  return { changes, readAt: updatedAt }
}

/**
 * What somebody else wrote since is not overwritten.
 *
 * @param what "template", for the message
 * @throws {ApiError} 409 `changed_meanwhile`, 422 for what is no time
 */
export function requireUnchanged(what: string, readAt: string | undefined, updatedAt: Date): void {
  if (readAt === undefined) return
  const ms = Date.parse(readAt)
  if (Number.isNaN(ms)) throw unreadable()
  if (ms !== updatedAt.getTime()) throw changedMeanwhile(what)
}

/** The `updated_at` of a change: later than the one before, also within a millisecond or when the clock was set back. */
export const nextUpdatedAt = (now: Date, before: Date) =>
  new Date(Math.max(now.getTime(), before.getTime() + 1))

export const changedMeanwhile = (what: string) =>
  new ApiError(
    409,
    'changed_meanwhile',
    `The ${what} was changed by somebody else since updatedAt; read it again, or leave updatedAt out to overwrite it`,
  )

const unreadable = () =>
  invalidField('updatedAt', 'must be the updatedAt that was read, such as "2026-11-23T09:00:00.000Z"')

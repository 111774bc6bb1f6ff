import {
  InvalidJob,
  QueueClosed,
  QueueOverloaded,
  QueueUnavailable,
  TenantQuotaExceeded,
} from '@fairway/queue'
import { databaseError } from './db/database-error.ts'
import { ApiError, badRequest, tooManyRequests, unavailable } from './errors.ts'

/**
 * What any thrown value means to an API's caller, whatever the API's shape: the queue's and the database's troubles
 * become typed 429 and 503, the framework's refusals keep their 4xx, and everything else is a 500 that says nothing.
 */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error
  if (error instanceof TenantQuotaExceeded)
    return tooManyRequests(
      // It names the lane, and the quota in jobs or bytes.
      `${error.message.replace(/^Tenant/, 'Project')}: try again later.`,
      seconds(error.retryAfterMs),
    )
  if (error instanceof QueueOverloaded)
    return tooManyRequests('Too much at once: try again later.', seconds(error.retryAfterMs))
  if (error instanceof QueueUnavailable)
    return (
      whatTheStoreSaid(error) ??
      unavailable('The queue is not reachable: try again later.', seconds(error.retryAfterMs), error)
    )
  if (error instanceof QueueClosed) return unavailable('The server is shutting down: try again.', 1, error)
  if (error instanceof InvalidJob) return fromInvalidJob(error)
  const fromDatabase = databaseError(error)
  if (fromDatabase) return fromDatabase
  return (
    fromFramework(error) ??
    new ApiError(500, 'internal', 'Something went wrong on our side.', { cause: error })
  )
}

/** Full, read-only, busy: of use to whoever runs it. */
function whatTheStoreSaid({ cause }: QueueUnavailable): ApiError | undefined {
  const meaning = databaseError(cause)
  return meaning?.status === 503 ? meaning : undefined
}

/** Its data is too large, or something in it can't be stored. */
const fromInvalidJob = (error: InvalidJob) =>
  error.field === 'data' && error.cause === undefined
    ? new ApiError(413, 'too_large', error.message, { cause: error })
    : new ApiError(422, 'invalid_field', error.message, { cause: error })

const seconds = (ms: number) => Math.max(1, Math.ceil(ms / 1_000))

/** fastify's own errors: bad JSON, too large a body, an unknown media type. Their messages are made for callers. */
function fromFramework(error: unknown): ApiError | undefined {
  const { statusCode, code, message } = (error ?? {}) as {
    statusCode?: number
    code?: string
    message?: string
  }
  if (!statusCode || statusCode < 400 || statusCode > 499) return undefined
  switch (code) {
    case 'FST_ERR_BAD_URL':
      return badRequest('The path is not valid percent-encoded UTF-8.', 'path')
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return new ApiError(414, 'too_long', 'A value in the path is longer than 1,024 characters.', {
        field: 'path',
      })
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new ApiError(413, 'too_large', 'The body is too large for this request.')
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new ApiError(
        415,
        'unsupported_media_type',
        'Send the body as JSON, with Content-Type: application/json.',
      )
  }
  const names: Record<number, string> = { 413: 'too_large', 429: 'too_many_requests' }
  return new ApiError(statusCode, names[statusCode] ?? 'bad_request', message ?? 'Bad request', {
    cause: error,
  })
}

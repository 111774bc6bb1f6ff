/**
 * Every error the HTTP APIs answer, in one place, each with a stable code. The REST API renders them as RFC 9457
 * problem details; the compatibility APIs render the same error in their vendor's shape.
 */
export class ApiError extends Error {
  readonly status: number
  readonly code: string
  /** JSON pointer-like path of the offending field, where there is one: `batch.3.userId`. */
  readonly field: string | undefined
  readonly retryAfterSeconds: number | undefined
  /** Further members of the problem document, such as the rejected items of a batch. */
  readonly extra: Record<string, unknown> | undefined

  constructor(
    status: number,
    code: string,
    message: string,
    options: {
      field?: string
      retryAfterSeconds?: number
      extra?: Record<string, unknown>
      cause?: unknown
    } = {},
  ) {
    // Where a client's mistake was found helps nobody, and looking for it took a third of reading a batch that is all wrong.
    const { stackTraceLimit } = Error
    if (status < 500) Error.stackTraceLimit = 0
    super(message, { cause: options.cause })
    Error.stackTraceLimit = stackTraceLimit
    this.name = 'ApiError'
    this.status = status
    this.code = code
    this.field = options.field
    this.retryAfterSeconds = options.retryAfterSeconds
    this.extra = options.extra
  }
}

export const badRequest = (message: string, field?: string, extra?: Record<string, unknown>) =>
  new ApiError(400, 'bad_request', message, { field, extra })

export const invalidField = (field: string, message: string) =>
  new ApiError(422, 'invalid_field', message, { field })

export const unauthorized = (message: string) => new ApiError(401, 'unauthorized', message)

export const forbidden = (message: string) => new ApiError(403, 'forbidden', message)

export const notFound = (what: string) => new ApiError(404, 'not_found', `${what} was not found`)

export const conflict = (message: string, extra?: Record<string, unknown>) =>
  new ApiError(409, 'conflict', message, { extra })

export const tooLarge = (message: string, field?: string) =>
  new ApiError(413, 'too_large', message, { field })

export const unsupportedMediaType = (message: string) => new ApiError(415, 'unsupported_media_type', message)

export const tooManyRequests = (message: string, retryAfterSeconds: number) =>
  new ApiError(429, 'too_many_requests', message, { retryAfterSeconds })

export const unavailable = (message: string, retryAfterSeconds: number, cause?: unknown) =>
  new ApiError(503, 'unavailable', message, { retryAfterSeconds, cause })

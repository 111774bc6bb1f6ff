/** The server refused a request, or could not do it. */
export class FairwayError extends Error {
  readonly status: number
  /** `invalid_field`, `not_found`, `unavailable`, … */
  readonly code: string
  /** The path of the input to correct, where one is to blame. */
  readonly field: string | undefined
  readonly requestId: string | undefined
  /** After how long another try may succeed, as the server says. */
  readonly retryAfterMs: number | undefined
  /** All that the server answered, with members that one route alone has, such as `usedBy`. */
  readonly problem: Record<string, unknown>

  constructor(status: number, answer: unknown, retryAfterMs?: number) {
    const problem = asObject(answer)
    // Transactional mail is refused in Customer.io's shape.
    const known = { ...problem, ...asObject(problem.meta) }
    super(text(known.detail) ?? text(known.message) ?? text(known.error) ?? `The server answered ${status}`)
    this.name = 'FairwayError'
    this.status = status
    this.code = text(known.code) ?? 'error'
    this.field = text(known.field)
    this.requestId = text(known.requestId)
    this.retryAfterMs = retryAfterMs
    this.problem = problem
  }
}

/** There was no answer in time: nobody knows whether the request was done. */
export class NoAnswerError extends Error {
  constructor(url: string, cause: unknown) {
    super(`${new URL(url).origin} did not answer`, { cause })
    this.name = 'NoAnswerError'
  }
}

const asObject = (value: unknown) =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {}

const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined)

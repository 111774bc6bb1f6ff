import { QueueUnavailable } from '../../../api/errors.ts'

/** Attempts of one request, with pauses of up to 25, 50, 100 … ms between them: 4.6 seconds of pauses at the most. */
const attempts = 9
const basePauseMs = 25
const maxPauseMs = 1_500
/** No further attempt after this long, for a DynamoDB that takes connections and never answers. */
const giveUpAfterMs = 12_000

/** DynamoDB or the way to it says: not now. */
const passing = new Set([
  'ProvisionedThroughputExceededException',
  'ThrottlingException',
  'ThrottledException',
  'RequestLimitExceeded',
  'LimitExceededException',
  'InternalServerError',
  'InternalServerErrorException',
  'ServiceUnavailable',
  'ServiceUnavailableException',
  'TransactionInProgressException',
  'TransactionConflictException',
  'ReplicatedWriteConflictException',
  'TimeoutError',
  'AbortError',
  'NetworkingError',
])

/** Full jitter: clients that were throttled together do not come back together. */
export const pauseBefore = (attempt: number): number =>
  Math.random() * Math.min(maxPauseMs, basePauseMs * 2 ** attempt)

/** Runs `request` until it succeeds, fails for good, or {@link QueueUnavailable} is all there is to say. */
export async function retrying<T>(request: () => Promise<T>): Promise<T> {
  const giveUpAt = performance.now() + giveUpAfterMs
  for (let attempt = 0; ; attempt++) {
    try {
      return await request()
    } catch (error) {
      if (!isPassing(error)) throw explained(error)
      if (attempt + 1 >= attempts || performance.now() > giveUpAt) throw unavailable(error)
      await pause(pauseBefore(attempt))
    }
  }
}

export const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms))

export function unavailable(cause: unknown): QueueUnavailable {
  return new QueueUnavailable(`DynamoDB does not take the request: ${messageOf(cause)}`, 1_000, { cause })
}

/** Items of a batch were left undone; the whole batch is asked for again. */
export class LeftUndone extends Error {
  constructor(items: number) {
    super(`${items} items of a batch were not processed`)
    this.name = 'ThrottlingException'
  }
}

export function isPassing(error: unknown): boolean {
  const { name, code, $metadata, CancellationReasons } = error as {
    name?: string
    code?: string
    $metadata?: { httpStatusCode?: number }
    CancellationReasons?: { Code?: string }[]
  }
  // A transaction is cancelled for conditions (for good) or for conflicts and throttling (for now).
  if (name === 'TransactionCanceledException')
    return !CancellationReasons?.some(
      ({ Code }) => Code === 'ConditionalCheckFailed' || Code === 'ValidationError',
    )
  if (name !== undefined && passing.has(name)) return true
  // Node's own errors of sockets and name lookups.
  if (typeof code === 'string' && /^(E[A-Z]+|UND_ERR_.*)$/.test(code)) return true
  return ($metadata?.httpStatusCode ?? 0) >= 500
}

function explained(error: unknown): unknown {
  if ((error as Error).name !== 'ResourceNotFoundException') return error
  return new Error(
    'The DynamoDB table does not exist. Call migrate() once, or create it as docs/dynamodb.md says.',
    {
      cause: error,
    },
  )
}

function messageOf(error: unknown): string {
  const { name, message, code } = error as { name?: string; message?: string; code?: string }
  return [name, code, message].filter(Boolean).join(': ')
}

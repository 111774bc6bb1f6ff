import { type MovableStore, movableStore, postgresStore, readMoveState, type Store } from '@fairway/queue'
import type { Pool } from 'pg'
import type { Logger } from 'pino'
import { type Config, ConfigError } from '../../platform/config.ts'

export interface OpenedStore {
  store: Store
  /** The same, where there are two places that jobs may be in. */
  moves: MovableStore | undefined
  /** DynamoDB's request units that this process used. */
  requestUnits: (() => { read: number; write: number }) | undefined
}

/** As long as a worker's lease: what takes longer is done elsewhere. */
const maxQueueStatementMs = 10_000

/**
 * The queue's store: PostgreSQL or, as soon as there are settings for DynamoDB, both, with the jobs in one of them. It has
 * connections of its own: however busy the pool is, jobs can be stored and settled.
 */
export async function openStore(
  config: Config,
  log: Logger,
  { url, pool, now }: { url: string; pool: Pool; now: (() => number) | undefined },
): Promise<OpenedStore> {
  const postgres = postgresStore({
    connectionString: url,
    now,
    statementTimeoutMs: Math.min(maxQueueStatementMs, config.databaseSeconds * 1_000),
    onError: (error) =>
      log.warn(
        { error: (error as Error).message },
        'the queue does not hear of new work at once; it looks for it instead',
      ),
  })
  const { queueStore, dynamodbTable, dynamodbEndpoint } = config
  if (queueStore === 'postgres' && !dynamodbTable && !dynamodbEndpoint) {
    await refuseIfElsewhere(pool)
    return { store: postgres, moves: undefined, requestUnits: undefined }
  }
  // Who does not use DynamoDB does not load the AWS SDK (80 ms, 18 MB).
  const { dynamodbStore } = await import('@fairway/queue/dynamodb')
  const dynamodb = dynamodbStore({
    table: dynamodbTable ?? 'fairway-queue',
    ...(dynamodbEndpoint && { endpoint: dynamodbEndpoint }),
    ...(now && { now }),
  })
  const moves = movableStore({
    stores: { postgres, dynamodb },
    connectionString: url,
    first: queueStore,
    onError: (error) => log.warn({ err: error }, 'the queue could not be moved on; trying again'),
  })
  return { store: moves, moves, requestUnits: () => dynamodb.requestUnits() }
}

/** Without settings for DynamoDB a process would neither see the jobs there nor those on their way. */
async function refuseIfElsewhere(pool: Pool): Promise<void> {
  const place = await readMoveState(pool)
  if (!place || (place.phase === 'steady' && place.target === 'postgres')) return
  const what =
    place.phase === 'steady'
      ? `are in ${place.target}`
      : `are being moved from ${place.source} to ${place.target}`
  throw new ConfigError([
    `FAIRWAY_DYNAMODB_TABLE must name the queue's table: the queue's jobs ${what}, see docs/moving-the-queue.md.`,
  ])
}

const unusable = new Set([
  'CredentialsProviderError',
  'UnrecognizedClientException',
  'InvalidSignatureException',
  'AccessDeniedException',
  'ExpiredTokenException',
])

/** What the operator can correct in what AWS says, as a sentence; everything else as it is. */
export function explainStoreError(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const { name, message } = error
  if (message.includes('Region is missing'))
    return new ConfigError([
      'AWS_REGION must be set to the region of the DynamoDB table (or FAIRWAY_DYNAMODB_ENDPOINT to an address).',
    ])
  if (unusable.has(name))
    return new ConfigError([`DynamoDB refuses these credentials or their permissions (${name}): ${message}`])
  return error
}

import pg from 'pg'
import { QueueUnavailable } from '../../errors.ts'

/** Runs prepared statements on a pool and turns lost connections into {@link QueueUnavailable}. */
export class Connection {
  readonly pool: pg.Pool
  readonly #owned: boolean

  constructor(source: { pool: pg.Pool } | { connectionString: string }) {
    this.#owned = !('pool' in source)
    this.pool =
      'pool' in source
        ? source.pool
        : new pg.Pool({
            connectionString: source.connectionString,
            max: 6,
            application_name: 'fairway-queue',
          })
    // An idle connection that dies is replaced at the next query; without a listener it would end the process.
    if (this.#owned) {
      this.pool.on('error', () => {})
      // The same for one that dies between two statements of a transaction; the next statement fails with it.
      this.pool.on('connect', (client) => void client.on('error', () => {}))
    }
  }

  /** A `name` identifies the statement text within this pool: PostgreSQL then parses and plans it once per connection. */
  async run<Row>(name: string | undefined, text: string, values: unknown[] = []): Promise<Row[]> {
    try {
      const result = await this.pool.query(
        name ? { name: `fairway_queue_${name}`, text, values } : { text, values },
      )
      return result.rows as Row[]
    } catch (error) {
      throw asQueueError(error)
    }
  }

  async transaction<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    const client = await this.pool.connect().catch((error) => {
      throw asQueueError(error)
    })
    let broken: Error | undefined
    try {
      await client.query('begin')
      const result = await work(client)
      await client.query('commit')
      return result
    } catch (error) {
      await client.query('rollback').catch((failure: Error) => {
        broken = failure
      })
      throw asQueueError(error)
    } finally {
      client.release(broken)
    }
  }

  async close(): Promise<void> {
    if (this.#owned) await this.pool.end()
  }
}

/** SQLSTATE classes that mean "the server is not there, not now": connection, resources, operator intervention. */
const unavailableClasses = new Set(['08', '53', '57'])

function asQueueError(error: unknown): unknown {
  const code = (error as { code?: unknown }).code
  const fromServer = typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code)
  if (fromServer && !unavailableClasses.has(code.slice(0, 2))) return error
  return new QueueUnavailable(`PostgreSQL is not reachable: ${(error as Error).message}`, 1_000, {
    cause: error,
  })
}

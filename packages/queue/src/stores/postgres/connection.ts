import pg from 'pg'
import { QueueUnavailable } from '../../api/errors.ts'

export type Source = { pool: pg.Pool } | { connectionString: string }

/** Above what a loaded machine takes; a connection that a router or a frozen server forgot would wait for ever. */
export const statementTimeoutMs = 10_000
const connectTimeoutMs = 5_000
/** A statement whose answer is due for this part of its time makes {@link Connection.requireAnswers} fail. */
const suspiciousPart = 0.5

/** A statement without an answer. */
interface Unanswered {
  since: number
  timeoutMs: number
  end: (error: Error) => void
}

/** The part of a client that runs statements, each with a deadline. */
export interface Session {
  query(config: { name?: string; text: string; values?: unknown[] }): Promise<{ rows: unknown[] }>
}

/**
 * Runs prepared statements on a pool. Each has a deadline in this process: when the server does not answer, its connection
 * is destroyed, and the caller gets {@link QueueUnavailable} as for any lost connection.
 */
export class Connection {
  readonly pool: pg.Pool
  readonly #owned: boolean
  readonly #timeoutMs: number
  readonly #unanswered = new Set<Unanswered>()
  /** One for all statements: with a timer for each, what they hold lives long enough to be collected dearly. */
  #watch: NodeJS.Timeout | undefined
  /** Whether single statements need a transaction to be READ COMMITTED; undefined before the first. */
  #mustWrap: boolean | undefined

  constructor(source: Source, timeoutMs = statementTimeoutMs) {
    this.#timeoutMs = timeoutMs
    this.#owned = !('pool' in source)
    this.pool = 'pool' in source ? source.pool : ownPool(source.connectionString, timeoutMs)
    // An idle connection that dies is replaced at the next query; without a listener it would end the process.
    this.pool.on('error', ignore)
  }

  /** A `name` identifies the statement text within this pool: PostgreSQL then parses and plans it once per connection. */
  async run<Row>(
    name: string | undefined,
    text: string,
    values: unknown[] = [],
    timeoutMs = this.#timeoutMs,
  ): Promise<Row[]> {
    this.#mustWrap ??= await this.#isOtherIsolation()
    const statement = name ? { name: `fairway_queue_${name}`, text, values } : { text, values }
    if (this.#mustWrap)
      return (await this.transaction((session) => session.query(statement), timeoutMs)).rows as Row[]
    return this.#withSession(timeoutMs, async (session) => (await session.query(statement)).rows as Row[])
  }

  /** The work sees what others commit between its statements, whatever the database's default is. */
  transaction<T>(work: (session: Session) => Promise<T>, timeoutMs = this.#timeoutMs): Promise<T> {
    return this.#withSession(timeoutMs, async (session) => {
      await session.query({ text: 'begin isolation level read committed' })
      try {
        const result = await work(session)
        await session.query({ text: 'commit' })
        return result
      } catch (error) {
        // Without an answer there is nothing to roll back on: the connection goes, and its transaction with it.
        if (isFromServer(error)) await session.query({ text: 'rollback' })
        throw error
      }
    })
  }

  /** Rejects when statements wait for their answer for suspiciously long, although new ones may well be answered. */
  async requireAnswers(): Promise<void> {
    const now = performance.now()
    for (const { since, timeoutMs } of this.#unanswered)
      if (now - since > timeoutMs * suspiciousPart)
        throw new QueueUnavailable(
          `PostgreSQL has not answered a statement for ${Math.round((now - since) / 1_000)} s`,
          1_000,
        )
  }

  async close(): Promise<void> {
    // Connections of our own may still break while they close.
    if (this.#owned) await this.pool.end()
    else this.pool.off('error', ignore)
  }

  async #withSession<T>(timeoutMs: number, work: (session: Session) => Promise<T>): Promise<T> {
    const client = await this.#connect()
    // One that dies between two statements would end the process; the next statement fails with it.
    client.on('error', ignore)
    let broken = false
    try {
      return await work({ query: (config) => this.#query(client, config, timeoutMs) })
    } catch (error) {
      broken = !isFromServer(error)
      throw asQueueError(error)
    } finally {
      client.off('error', ignore)
      client.release(broken)
    }
  }

  #query(
    client: pg.PoolClient,
    config: Parameters<Session['query']>[0],
    timeoutMs: number,
  ): Promise<{ rows: unknown[] }> {
    return new Promise((resolve, reject) => {
      const end = (error: Error | undefined, result?: { rows: unknown[] }) => {
        // Only the first word counts: of a statement that was given up, the end of its connection is told as well.
        if (!this.#unanswered.delete(unanswered)) return
        if (error) reject(error)
        else resolve(result!)
      }
      const unanswered = { since: performance.now(), timeoutMs, end }
      this.#unanswered.add(unanswered)
      this.#watch ??= setInterval(() => this.#giveUp(), Math.min(this.#timeoutMs / 10, 500)).unref()
      client.query(config, end)
    })
  }

  #giveUp(): void {
    const now = performance.now()
    for (const { since, timeoutMs, end } of this.#unanswered)
      if (now - since > timeoutMs) end(new Error(`there was no answer within ${timeoutMs} ms`))
    if (this.#unanswered.size > 0) return
    clearInterval(this.#watch)
    this.#watch = undefined
  }

  /** A pool of others may have no deadline of its own. */
  async #connect(): Promise<pg.PoolClient> {
    const connecting = this.pool.connect()
    if (this.pool.options.connectionTimeoutMillis) return connecting.catch(asRejection)
    return new Promise((resolve, reject) => {
      let over = false
      const timer = setTimeout(() => {
        over = true
        reject(new QueueUnavailable(`The pool had no connection within ${connectTimeoutMs} ms`, 1_000))
      }, connectTimeoutMs)
      connecting.then(
        (client) => {
          clearTimeout(timer)
          if (over) client.release()
          else resolve(client)
        },
        (error) => {
          clearTimeout(timer)
          reject(asQueueError(error))
        },
      )
    })
  }

  /** Our own connections are set right when they are made; those of others are left as they are. */
  async #isOtherIsolation(): Promise<boolean> {
    if (this.#owned) return false
    const text = `select current_setting('default_transaction_isolation') as level`
    const { rows } = await this.#withSession(this.#timeoutMs, (session) => session.query({ text }))
    return (rows[0] as { level: string }).level !== 'read committed'
  }
}

/** Whatever the database's or the role's defaults are. */
const settings = `select set_config('default_transaction_isolation', 'read committed', false), set_config('datestyle', 'ISO, MDY', false)`

function ownPool(connectionString: string, timeoutMs: number): pg.Pool {
  const pool = new pg.Pool({
    connectionString,
    max: 6,
    application_name: 'fairway-queue',
    connectionTimeoutMillis: Math.min(connectTimeoutMs, timeoutMs),
    keepAlive: true,
    onConnect: (client) => client.query(timed({ text: settings }, timeoutMs)) as never,
  })
  // Also for one that is held between statements for long.
  pool.on('connect', (client) => void client.on('error', ignore))
  return pool
}

/** The driver gives a query up after `query_timeout`; its types don't know that yet. */
export const timed = (config: pg.QueryConfig, timeoutMs: number): pg.QueryConfig =>
  ({ ...config, query_timeout: timeoutMs }) as pg.QueryConfig

const ignore = () => {}

/** With a SQLSTATE, on a connection that still works; class 08 and FATAL mean that it does not. */
function isFromServer(error: unknown): boolean {
  const cause = error instanceof QueueUnavailable ? error.cause : error
  const { code, severity } = (cause ?? {}) as { code?: unknown; severity?: unknown }
  return isState(code) && !code.startsWith('08') && severity !== 'FATAL' && severity !== 'PANIC'
}

const isState = (code: unknown): code is string => typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code)

/** SQLSTATE classes that mean "the server is not there, not now": connection, resources, operator intervention. */
const unavailableClasses = new Set(['08', '53', '57'])

/** What is no error of the server is one of the connection, or of somebody's program in a transaction. */
function asQueueError(error: unknown): unknown {
  if (error instanceof QueueUnavailable) return error
  const { code, message } = (error ?? {}) as { code?: unknown; message?: string }
  if (isState(code) && !unavailableClasses.has(code.slice(0, 2))) return error
  const told = isConnectTimeout(message)
    ? 'There was no connection to PostgreSQL in time: it does not answer, all connections are in use, or this process was held up'
    : `PostgreSQL is not reachable: ${message}`
  return new QueueUnavailable(told, 1_000, { cause: error })
}

/** The driver's timers run in this process: they also end what was answered while it was held up. */
const isConnectTimeout = (message: string | undefined) =>
  message === 'timeout exceeded when trying to connect' ||
  message === 'Connection terminated due to connection timeout'

const asRejection = (error: unknown): never => {
  throw asQueueError(error)
}

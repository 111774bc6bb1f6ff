import pg from 'pg'
import type { Logger } from 'pino'
import { rememberFailures } from './first-failure.ts'
import { endSilentConnections } from './silent-connections.ts'

/** PostgreSQL 14 is the oldest that PostgreSQL's own project still maintained when Fairway began. */
const oldestVersion = 140_000
const connectTimeoutMs = 5_000
const defaultStatementMs = 60_000
/** What our statements and the driver's readers are made for, whatever the database's or the role's defaults are. */
const settings = `select set_config('default_transaction_isolation', 'read committed', false), set_config('datestyle', 'ISO, MDY', false),
  set_config('intervalstyle', 'postgres', false), set_config('bytea_output', 'hex', false)`
const int8 = 20

/**
 * A pool whose `bigint` columns (and `count(*)`) come as numbers: our ids and counts stay far below 2^53. `numeric`,
 * which `sum(bigint)` makes, still comes as a string: cast it to bigint in SQL.
 */
export function createPool(options: {
  url: string
  max?: number
  log?: Logger
  applicationName?: string
  /** An answer that takes longer is given up with its connection: a forgotten or frozen one would never come. */
  statementMs?: number
}): pg.Pool {
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.max ?? 10,
    connectionTimeoutMillis: connectTimeoutMs,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    // Before it is among those that are looked at.
    onConnect: (client) =>
      client.query({ text: settings, query_timeout: connectTimeoutMs } as pg.QueryConfig) as never,
    application_name: options.applicationName ?? 'fairway',
    // A statement goes out before those ahead of it are answered: PostgreSQL does not wait for this process in between.
    pipeline: true,
    types: {
      getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
        oid === int8 && format !== 'binary'
          ? Number
          : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser,
    },
  })
  // One that breaks in use fails its next query; without a listener of its own it would also end the process.
  pool.on('connect', (client) => {
    client.on('error', () => {})
    rememberFailures(client)
  })
  endSilentConnections(pool, options.statementMs ?? defaultStatementMs)
  // A connection that breaks while idle (the database restarted) is replaced at the next use. The error carries the whole
  // client with all its statements: only its words are logged. When the pool ends, the database may be the faster one.
  pool.on('error', ({ message }) => {
    if (!pool.ending) options.log?.warn({ error: message }, 'an idle database connection broke')
  })
  return pool
}

interface Checked {
  number: string
  name: string
  standby: boolean
  readOnly: string
  schema: string | null
}

/** Connects, within seconds, and looks whether Fairway can work there. Throws an error that says what to correct. */
export async function checkDatabase(url: string): Promise<void> {
  const [client, other] = [connectionForCheck(url), connectionForCheck(url)]
  try {
    await client.connect()
    const { rows } = await client.query<Checked>(
      `select current_setting('server_version_num') as number, current_setting('server_version') as name,
              pg_is_in_recovery() as standby, current_setting('transaction_read_only') as "readOnly",
              current_schema() as schema`,
    )
    const { number, name, standby, readOnly, schema } = rows[0]!
    if (Number(number) < oldestVersion)
      throw new DatabaseUnusable(`it runs PostgreSQL ${name}, and Fairway needs 14 or newer`)
    if (standby) throw new DatabaseUnusable('it is a standby, which takes no writes; use the primary')
    if (readOnly === 'on')
      throw new DatabaseUnusable('it is read-only (default_transaction_read_only); allow this role to write')
    if (schema === null)
      throw new DatabaseUnusable(
        'none of the schemas in its search_path is there, or this role may not use it; set search_path to one that is, such as public',
      )
    await other.connect()
    if (await isPooledByTransaction(client, other))
      throw new DatabaseUnusable(
        'a pooler in front of it (such as PgBouncer) gives each transaction another connection, and Fairway needs sessions: ' +
          'prepared statements, LISTEN, advisory locks; use pool_mode = session there, or the address of PostgreSQL itself',
      )
  } catch (error) {
    throw error instanceof DatabaseUnusable ? error.at(url) : new DatabaseUnusable(explain(error)).at(url)
  } finally {
    for (const each of [client, other]) await each.end().catch(() => {})
  }
}

function connectionForCheck(url: string): pg.Client {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: connectTimeoutMs,
    query_timeout: connectTimeoutMs,
  })
  // Without a listener, a connection that breaks after connecting would end the process.
  client.on('error', () => {})
  return client
}

/**
 * Whether two clients share the server's processes. Each has one of its own for as long as it is connected, unless a pooler
 * hands them out by transaction: then the second's open transaction takes the process that the first one just used, or the
 * first one soon gets another.
 */
async function isPooledByTransaction(client: pg.Client, other: pg.Client): Promise<boolean> {
  const processOf = async (one: pg.Client) =>
    (await one.query<{ pid: number }>('select pg_backend_pid() as pid')).rows[0]!.pid
  const first = await processOf(client)
  await other.query('begin')
  try {
    const taken = await processOf(other)
    const now = await processOf(client)
    return taken === first || now !== first
  } finally {
    await other.query('rollback')
  }
}

/** The configured database can't be used; the message says why, without the password. */
export class DatabaseUnusable extends Error {
  constructor(reason: string) {
    super(reason)
    this.name = 'DatabaseUnusable'
  }

  at(url: string): DatabaseUnusable {
    this.message =
      `Cannot use the database at ${withoutPassword(url)}: ${this.message}. ` +
      'Correct DATABASE_URL (postgresql://user:password@host:5432/database), or unset it to use the built-in PostgreSQL.'
    return this
  }
}

function explain(error: unknown): string {
  const { code, message } = error as { code?: string; message?: string }
  switch (code) {
    case 'ECONNREFUSED':
      return 'nothing listens there'
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'its host name is unknown'
    case '28P01':
    case '28000':
      return `it refused the user or password (${message})`
    case '3D000':
      return `${message}; create it with CREATE DATABASE`
  }
  if (code === '08P01' && message?.includes('unsupported startup parameter'))
    return `a pooler in front of it refuses to start a session (${message})`
  if (message?.includes('timeout')) return `it did not answer within ${connectTimeoutMs / 1000} seconds`
  return message || String(error)
}

/** For messages and logs. */
export function withoutPassword(url: string): string {
  try {
    const parsed = new URL(url)
    if (parsed.password) parsed.password = '***'
    for (const secret of ['password', 'sslpassword']) parsed.searchParams.delete(secret)
    return parsed.href
  } catch {
    return 'DATABASE_URL'
  }
}

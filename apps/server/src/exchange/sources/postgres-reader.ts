import type { Socket } from 'node:net'
import pg from 'pg'
import { GuardedSocket } from '../../platform/net/connections.ts'
import { type Connection, internalHost } from './connection.ts'
import { Meter } from './meter.ts'
import { bareQuery, checkColumns, unorderedCursor } from './query.ts'
import { maxRowBytes, type Reader, type Reading, type ReadLimits, type SourceRow } from './reader.ts'
import { SourceFailed } from './source-failed.ts'

/** Types by which one can go on, by oid: int8, int2, int4, numeric, date, timestamp, timestamptz. */
const orderedTypes = new Set([20, 21, 23, 1700, 1082, 1114, 1184])
const int8 = 20
const numeric = 1700

export async function openPostgres(
  connection: Connection,
  reading: Reading,
  limits: ReadLimits,
): Promise<Reader> {
  const query = bareQuery(reading.query)
  const client = await connect(connection, limits)
  try {
    await ask(client, 'begin read only')
    await ask(
      client,
      `select set_config('statement_timeout', $1, true), set_config('lock_timeout', '10s', true),
         set_config('TimeZone', 'UTC', true), set_config('DateStyle', 'ISO', true), set_config('IntervalStyle', 'iso_8601', true)`,
      [String(limits.statementMs)],
    )
    const { fields } = await ask(client, `select * from (\n${query}\n) as q limit 0`)
    const types = await typeNames(client, fields)
    const columns = fields.map(({ name, dataTypeID }) => ({ name, type: types.get(dataTypeID)! }))
    const cursor = checkColumns(columns, reading.cursorColumn)
    const cursorField = fields.find(({ name }) => name === cursor?.name)
    if (cursorField && !orderedTypes.has(cursorField.dataTypeID))
      throw unorderedCursor(cursor!.name, cursor!.type)
    const place = cursor && `q.${quoted(cursor.name)}`
    const conditions = place ? [`${place} is not null`] : []
    if (place && reading.from) conditions.push(`${place} >= $1::${reading.from.type}`)
    await ask(
      client,
      `declare fairway no scroll cursor for
       select case when octet_length(line) <= ${maxRowBytes} then line end as line, cursor from (
         select row_to_json((select r from (select ${fields.map(exactly).join(', ')}) as r))::text as line,
           ${place ? `${place}::text` : 'null::text'} as cursor
         from (\n${query}\n) as q
         ${conditions.length > 0 ? `where ${conditions.join(' and ')} order by ${place}` : ''}
         offset 0) as rows`,
      place && reading.from ? [reading.from.value] : [],
    )
    return {
      columns,
      cursorType: cursor?.type ?? null,
      async read(limit) {
        const { rows } = await ask<SourceRow & { line: string | null }>(
          client,
          `fetch forward ${limit} from fairway`,
        ).catch(explain)
        if (rows.some(({ line }) => line === null))
          throw new SourceFailed('query', `A row is larger than ${maxRowBytes} bytes; select fewer columns`)
        return rows
      },
      close: async () => client.leave(),
    }
  } catch (error) {
    client.leave()
    return explain(error)
  }
}

/** Numbers that JSON's readers would round become text. */
function exactly({ name, dataTypeID }: pg.FieldDef): string {
  const column = `q.${quoted(name)}`
  if (dataTypeID === int8)
    return `case when ${column} between -9007199254740991 and 9007199254740991
      then to_json(${column}) else to_json(${column}::text) end as ${quoted(name)}`
  if (dataTypeID === numeric)
    return `case when length(${column}::text) <= 15 then to_json(${column}) else to_json(${column}::text) end as ${quoted(name)}`
  return `${column} as ${quoted(name)}`
}

const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`

async function typeNames(client: SourceClient, fields: pg.FieldDef[]): Promise<Map<number, string>> {
  const { rows } = await ask<{ oid: number; name: string }>(
    client,
    'select oid, format_type(oid, null) as name from unnest($1::oid[]) as oid',
    [[...new Set(fields.map(({ dataTypeID }) => dataTypeID))]],
  )
  return new Map(rows.map(({ oid, name }) => [Number(oid), name]))
}

/**
 * One statement, by the extended protocol: a text with several is refused before the first of them runs, so that none can
 * end the transaction that may only read.
 */
function ask<Row extends pg.QueryResultRow>(
  client: SourceClient,
  text: string,
  values: unknown[] = [],
): Promise<pg.QueryResult<Row>> {
  client.meter.reset()
  return client.query<Row>({ text, values, queryMode: 'extended' } as pg.QueryConfig)
}

async function connect(connection: Connection, limits: ReadLimits): Promise<SourceClient> {
  const attempt = async (encrypted: boolean) => {
    const client = new SourceClient(connection, limits, encrypted)
    // One that breaks fails its next query; without a listener it would end the process.
    client.on('error', () => {})
    try {
      await client.connect()
      return client
    } catch (error) {
      client.leave()
      throw error
    }
  }
  try {
    return await attempt(connection.tls !== 'disable')
  } catch (error) {
    if (connection.tls === 'prefer' && /does not support SSL/.test((error as Error).message))
      return await attempt(false).catch(explain)
    return explain(error)
  }
}

/** The driver, without what it would take from our own environment (PGPASSWORD, PGOPTIONS, .pgpass …) for somebody else's host. */
class SourceClient extends pg.Client {
  readonly meter: Meter
  readonly #given: Connection
  readonly #link: MeteredConnection

  constructor(given: Connection, limits: ReadLimits, encrypted: boolean) {
    const meter = new Meter('postgres')
    const link = new MeteredConnection(meter, {
      stream: new GuardedSocket(limits),
      ssl: encrypted && { rejectUnauthorized: given.tls === 'verify' },
      sslNegotiation: 'postgres',
    })
    super({
      connection: link,
      host: given.host,
      port: given.port,
      user: given.user,
      database: given.database,
      // A function: an empty text would mean that of the environment, or of .pgpass.
      password: () => given.password,
      ssl: encrypted && { rejectUnauthorized: given.tls === 'verify' },
      sslnegotiation: 'postgres',
      connectionTimeoutMillis: limits.connectMs,
      // The database's own timeout comes first; this one is for a database that is silent.
      query_timeout: limits.statementMs + 10_000,
      // Every value is text here, or JSON made by the database.
      types: { getTypeParser: () => String },
    } as pg.ClientConfig)
    this.meter = meter
    this.#given = given
    this.#link = link
  }

  /** Of the driver's: all that a server is told about us, besides the password. */
  getStartupConf() {
    const { user, database } = this.#given
    return { user, database, application_name: 'fairway' }
  }

  /** Says goodbye, and waits for no answer. */
  leave(): void {
    this.#link.leave()
  }
}

interface LinkOptions {
  stream: Socket
  ssl: false | { rejectUnauthorized: boolean }
  sslNegotiation: 'postgres'
}

/** The driver's own, but that its bytes are metered before they are parsed, after TLS as before it. */
class MeteredConnection extends pg.Connection {
  declare stream: Socket
  readonly #meter: Meter

  constructor(meter: Meter, options: LinkOptions) {
    super(options as unknown as pg.ConnectionConfig)
    this.#meter = meter
  }

  attachListeners(stream: Socket): void {
    stream.on('data', (piece: Buffer) => {
      if (stream.destroyed) return
      try {
        this.#meter.take(piece)
      } catch (error) {
        stream.destroy(error as Error)
      }
    })
    ;(pg.Connection.prototype as unknown as { attachListeners(stream: Socket): void }).attachListeners.call(
      this,
      stream,
    )
  }

  leave(): void {
    const { stream } = this
    ;(this as unknown as { end(): void }).end()
    stream.on('error', () => {})
    setTimeout(() => stream.destroy(), goodbyeMs).unref()
  }
}

/** For a last message to leave. */
const goodbyeMs = 1_000

const reasons: Record<string, (message: string) => SourceFailed> = {
  EINTERNAL: internalHost,
  '28P01': () => new SourceFailed('url', 'The database refused the user or the password'),
  '28000': (message) => new SourceFailed('url', `The database refused the user: ${message}`),
  '3D000': (message) => new SourceFailed('url', `The database says: ${message}`),
  '57014': () => new SourceFailed('query', 'The query took too long and was ended'),
  '25006': (message) => new SourceFailed('query', `The query may only read: ${message}`),
  '53300': (message) => new SourceFailed('url', `The database says: ${message}`, { transient: true }),
}

/** What the driver says of a query that the database did not end by itself. */
const silence = 'Query read timeout'

function explain(error: unknown): never {
  if (error instanceof SourceFailed) throw error
  const { code, message, severity } = error as { code?: string; message: string; severity?: string }
  const reason = reasons[message === silence ? '57014' : (code ?? '')]?.(message)
  if (reason) throw reason
  // What the database says by itself is about the query, but for its own troubles: 08 connection, 53 room, 57 shutdown, 58 system.
  if (severity !== undefined && !/^(08|53|57|58|XX)/.test(code ?? ''))
    throw new SourceFailed('query', `The database says: ${message}`, { cause: error })
  throw new SourceFailed('url', `The database can't be reached: ${message || code}`, {
    transient: true,
    cause: error,
  })
}

import net from 'node:net'
import pg from 'pg'
import { guardedLookup, isInternalAddress } from '../channels/network-guard.ts'
import { type Connection, internalHost } from './connection.ts'
import { bareQuery, checkColumns, unorderedCursor } from './query.ts'
import { mostRowBytes, type Reader, type Reading, type ReadLimits, type SourceRow } from './reader.ts'
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
    await client.query('begin read only')
    await client.query(
      `select set_config('statement_timeout', $1, true), set_config('lock_timeout', '10s', true),
         set_config('TimeZone', 'UTC', true), set_config('DateStyle', 'ISO', true), set_config('IntervalStyle', 'iso_8601', true)`,
      [String(limits.statementMs)],
    )
    const { fields } = await client.query(`select * from (\n${query}\n) as q limit 0`)
    const types = await typeNames(client, fields)
    const columns = fields.map(({ name, dataTypeID }) => ({ name, type: types.get(dataTypeID)! }))
    const cursor = checkColumns(columns, reading.cursorColumn)
    const cursorField = fields.find(({ name }) => name === cursor?.name)
    if (cursorField && !orderedTypes.has(cursorField.dataTypeID))
      throw unorderedCursor(cursor!.name, cursor!.type)
    const place = cursor && `q.${quoted(cursor.name)}`
    const conditions = place ? [`${place} is not null`] : []
    if (place && reading.from) conditions.push(`${place} >= $1::${reading.from.type}`)
    await client.query(
      `declare fairway no scroll cursor for
       select case when octet_length(line) <= ${mostRowBytes} then line end as line, cursor from (
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
        const { rows } = await client
          .query<SourceRow & { line: string | null }>(`fetch forward ${limit} from fairway`)
          .catch(explain)
        if (rows.some(({ line }) => line === null))
          throw new SourceFailed('query', `A row is larger than ${mostRowBytes} bytes; select fewer columns`)
        return rows
      },
      close: () => client.end().catch(() => {}),
    }
  } catch (error) {
    await client.end().catch(() => {})
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

async function typeNames(client: pg.Client, fields: pg.FieldDef[]): Promise<Map<number, string>> {
  const { rows } = await client.query<{ oid: number; name: string }>(
    'select oid, format_type(oid, null) as name from unnest($1::oid[]) as oid',
    [[...new Set(fields.map(({ dataTypeID }) => dataTypeID))]],
  )
  return new Map(rows.map(({ oid, name }) => [Number(oid), name]))
}

async function connect(connection: Connection, limits: ReadLimits): Promise<pg.Client> {
  const attempt = async (encrypted: boolean) => {
    const client = new pg.Client({
      host: connection.host,
      port: connection.port,
      stream: () => new GuardedSocket(limits.allowPrivate),
      user: connection.user,
      password: connection.password,
      database: connection.database,
      ssl: encrypted && { rejectUnauthorized: connection.tls === 'verify' },
      connectionTimeoutMillis: limits.connectMs,
      // The database's own timeout comes first; this one is for a database that is silent.
      query_timeout: limits.statementMs + 10_000,
      application_name: 'fairway',
      // Every value is text here, or JSON made by the database.
      types: { getTypeParser: () => String },
    })
    // One that breaks fails its next query; without a listener it would end the process.
    client.on('error', () => {})
    try {
      await client.connect()
      return client
    } catch (error) {
      await client.end().catch(() => {})
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

/** The driver's own socket, but for the addresses that it may go to. */
class GuardedSocket extends net.Socket {
  readonly #allowPrivate: boolean

  constructor(allowPrivate: boolean) {
    super()
    this.#allowPrivate = allowPrivate
  }

  override connect(...given: unknown[]): this {
    const [port, host] = given as [number, string]
    // A literal is looked up nowhere.
    if (!this.#allowPrivate && net.isIP(host) !== 0 && isInternalAddress(host))
      return this.destroy(internalHost())
    return super.connect({ port, host, lookup: guardedLookup(this.#allowPrivate), autoSelectFamily: true })
  }
}

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

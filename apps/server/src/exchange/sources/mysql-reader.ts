import { once } from 'node:events'
import type { Socket } from 'node:net'
import mysql, { createConnection, type FieldPacket, type Connection as MysqlConnection } from 'mysql2'
import { connectGuarded } from '../../platform/net/connections.ts'
import { type Connection, internalHost } from './connection.ts'
import { Meter } from './meter.ts'
import { bareQuery, checkColumns, unorderedCursor } from './query.ts'
import { maxRowBytes, type Reader, type Reading, type ReadLimits, type SourceRow } from './reader.ts'
import { SourceFailed } from './source-failed.ts'

/** Node does not see it among the exports of a CommonJS module. */
const { Types } = mysql

/** Of the driver's buffer between the network and our steps. */
const bufferedRows = 200
/** Given at once, about. */
const bytesAtOnce = 4_194_304
const unsignedFlag = 32
const binaryCharset = 63

/** How a type by which one can go on is written in SQL; `signed` and `unsigned` are integers of any size. */
const orderedTypes: Partial<Record<number, string>> = {
  [Types.TINY]: 'integer',
  [Types.SHORT]: 'integer',
  [Types.INT24]: 'integer',
  [Types.LONG]: 'integer',
  [Types.LONGLONG]: 'integer',
  [Types.NEWDECIMAL]: 'decimal(65,30)',
  [Types.DATE]: 'date',
  [Types.DATETIME]: 'datetime(6)',
  [Types.TIMESTAMP]: 'datetime(6)',
}

export async function openMysql(
  connection: Connection,
  reading: Reading,
  limits: ReadLimits,
): Promise<Reader> {
  const query = bareQuery(reading.query)
  const { client, socket, meter } = await connect(connection, limits)
  /** The database's own timeout comes first; this one is for a database that is silent. */
  const within = async <T>(answer: Promise<T>): Promise<T> => {
    meter.reset()
    const timer = setTimeout(() => socket.destroy(tooLong()), limits.statementMs + 10_000)
    return answer.finally(() => clearTimeout(timer))
  }
  try {
    await within(limitTime(client, limits.statementMs))
    await within(run(client, `set session time_zone = '+00:00'`))
    await within(run(client, 'set session transaction read only'))
    await within(run(client, 'start transaction read only'))
    const fields = await within(columnsOf(client, `select * from (\n${query}\n) as q`))
    const columns = fields.map((field) => ({ name: field.name, type: typeName(field) }))
    const cursor = checkColumns(columns, reading.cursorColumn)
    const cursorType = cursor && castOf(fields.find(({ name }) => name === cursor.name)!)
    if (cursor && cursorType === undefined) throw unorderedCursor(cursor.name, cursor.type)
    const place = cursor && `q.${quoted(cursor.name)}`
    const conditions = place ? [`${place} is not null`] : []
    if (place && reading.from) conditions.push(`${place} >= ${literal(reading.from)}`)
    const rows = stream(
      client,
      `select q.*, ${place ? `cast(${place} as char)` : 'null'} from (\n${query}\n) as q
       ${conditions.length > 0 ? `where ${conditions.join(' and ')} order by ${place}` : ''}`,
      fields,
    )
    return {
      columns,
      cursorType: cursorType ?? null,
      async read(limit) {
        const taken: SourceRow[] = []
        for (let bytes = 0; taken.length < limit && bytes < bytesAtOnce; ) {
          const { value, done } = await within(rows.next()).catch(explain)
          if (done) break
          bytes += value.line.length
          if (Buffer.byteLength(value.line) > maxRowBytes)
            throw new SourceFailed('query', `A row is larger than ${maxRowBytes} bytes; select fewer columns`)
          taken.push(value)
        }
        return taken
      },
      // By the driver, a query that is under way would never end.
      close: async () => void socket.destroy(),
    }
  } catch (error) {
    client.destroy()
    return explain(error)
  }
}

async function* stream(
  client: MysqlConnection,
  sql: string,
  fields: FieldPacket[],
): AsyncGenerator<SourceRow> {
  const binary = new Set(
    fields.filter((field) => field.characterSet === binaryCharset).map(({ name }) => name),
  )
  const rows = client
    .query({ sql, rowsAsArray: true, typeCast: (field) => readCell(field, binary.has(field.name)) })
    .stream({ highWaterMark: bufferedRows })
  // The driver tells a connection that broke to the connection alone, and the rows would never end.
  client.once('error', (error) => rows.destroy(error))
  for await (const row of rows as AsyncIterable<unknown[]>) {
    const entries = fields.map(({ name }, place) => [name, row[place]])
    yield { line: JSON.stringify(Object.fromEntries(entries)), cursor: row[fields.length] as string | null }
  }
}

type Field = Parameters<
  Extract<Parameters<MysqlConnection['query']>[0], { typeCast?: unknown }>['typeCast'] & object
>[0]

/** Nothing rounded, nothing in a time zone but UTC. */
function readCell(field: Field, isBinary: boolean): unknown {
  switch (field.type) {
    case 'TINY': {
      const text = field.string()
      return text === null
        ? null
        : field.length === 1 && (text === '0' || text === '1')
          ? text === '1'
          : Number(text)
    }
    case 'SHORT':
    case 'INT24':
    case 'LONG':
    case 'YEAR':
    case 'FLOAT':
    case 'DOUBLE': {
      const text = field.string()
      return text === null ? null : Number(text)
    }
    case 'LONGLONG':
    case 'DECIMAL':
    case 'NEWDECIMAL': {
      const text = field.string()
      return text === null || text.length > 15 ? text : Number(text)
    }
    case 'DATE':
    case 'NEWDATE': {
      const text = field.string()
      return text === null || text.startsWith('0000') ? null : text
    }
    case 'DATETIME':
    case 'TIMESTAMP': {
      const text = field.string()
      return text === null || text.startsWith('0000') ? null : `${text.replace(' ', 'T')}Z`
    }
    case 'JSON': {
      const text = field.string()
      return text === null ? null : JSON.parse(text)
    }
    case 'BIT':
    case 'GEOMETRY': {
      const bytes = field.buffer()
      return bytes === null ? null : bytes.toString('hex')
    }
    default: {
      if (!isBinary) return field.string()
      const bytes = field.buffer()
      return bytes === null ? null : bytes.toString('hex')
    }
  }
}

const castOf = (field: FieldPacket): string | undefined => {
  const type = orderedTypes[field.columnType ?? field.type ?? -1]
  if (type !== 'integer') return type
  return Number(field.flags) & unsignedFlag ? 'unsigned' : 'signed'
}

const typeName = (field: FieldPacket): string =>
  (Types as unknown as Record<number, string>)[field.columnType ?? field.type ?? -1]?.toLowerCase() ??
  'unknown'

/** In hexadecimal: what a quote means depends on the settings of the other database. */
const literal = ({ value, type }: { value: string; type: string }) =>
  `cast(convert(0x${Buffer.from(value).toString('hex')} using utf8mb4) as ${type})`

const quoted = (name: string) => `\`${name.replaceAll('`', '``')}\``

const run = (client: MysqlConnection, sql: string): Promise<void> =>
  new Promise((resolve, reject) => {
    client.query(sql, (error) => (error ? reject(error) : resolve()))
  })

/** Prepared, which is refused for more than one statement, and not run: with `limit 0` a database may still work out all rows first. */
const columnsOf = (client: MysqlConnection, sql: string): Promise<FieldPacket[]> =>
  new Promise((resolve, reject) => {
    client.prepare(sql, (error, statement) => {
      if (error) return reject(error)
      statement.close()
      resolve((statement as unknown as { columns: FieldPacket[] }).columns)
    })
  })

/** MySQL and MariaDB have each their own word for it. */
async function limitTime(client: MysqlConnection, ms: number): Promise<void> {
  await run(client, `set session max_execution_time = ${ms}`).catch(() =>
    run(client, `set session max_statement_time = ${ms / 1_000}`),
  )
}

interface Open {
  client: MysqlConnection
  socket: Socket
  meter: Meter
}

async function connect(connection: Connection, limits: ReadLimits): Promise<Open> {
  const attempt = async (encrypted: boolean) => {
    const socket = await connectGuarded(connection.host, connection.port, {
      allowPrivate: limits.allowPrivate,
      timeoutMs: limits.connectMs,
    })
    const client = createConnection({
      stream: socket,
      host: connection.host,
      user: connection.user,
      password: connection.password,
      database: connection.database,
      connectTimeout: limits.connectMs,
      ssl: encrypted
        ? { rejectUnauthorized: connection.tls === 'verify', verifyIdentity: connection.tls === 'verify' }
        : undefined,
      charset: 'utf8mb4',
      multipleStatements: false,
      // A server must not be able to ask for files of this machine.
      flags: ['-LOCAL_FILES'],
    })
    const meter = meterOf(client, socket)
    // One that breaks fails its next query; without a listener it would end the process.
    client.on('error', () => {})
    try {
      await once(client, 'connect')
      return { client, socket, meter }
    } catch (error) {
      client.destroy()
      throw error
    }
  }
  try {
    return await attempt(connection.tls !== 'disable')
  } catch (error) {
    if (connection.tls === 'prefer' && (error as { code?: string }).code === 'HANDSHAKE_NO_SSL_SUPPORT')
      return await attempt(false).catch(explain)
    return explain(error)
  }
}

/** The driver's packets are metered before they are put together, after TLS as before it. */
function meterOf(client: MysqlConnection, socket: Socket): Meter {
  const meter = new Meter('mysql')
  const driver = client as unknown as { packetParser: { execute(piece: Buffer): void } }
  const parser = driver.packetParser
  driver.packetParser = {
    execute(piece) {
      if (socket.destroyed) return
      try {
        meter.take(piece)
      } catch (error) {
        socket.destroy(error as Error)
        return
      }
      parser.execute(piece)
    },
  }
  return meter
}

const refused = () => new SourceFailed('url', 'The database refused the user or the password')
const tooLong = () => new SourceFailed('query', 'The query took too long and was ended')
const reasons: Record<string, (message: string) => SourceFailed> = {
  EINTERNAL: internalHost,
  ER_ACCESS_DENIED_ERROR: refused,
  ER_ACCESS_DENIED_NO_PASSWORD_ERROR: refused,
  ER_BAD_DB_ERROR: (message) => new SourceFailed('url', `The database says: ${message}`),
  ER_DBACCESS_DENIED_ERROR: (message) => new SourceFailed('url', `The database says: ${message}`),
  ER_CON_COUNT_ERROR: (message) =>
    new SourceFailed('url', `The database says: ${message}`, { transient: true }),
  ER_QUERY_TIMEOUT: tooLong,
  ER_STATEMENT_TIMEOUT: tooLong,
  ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION: (message) =>
    new SourceFailed('query', `The query may only read: ${message}`),
}
/** MariaDB's number for a query that took too long; the driver has no word for it. */
const mariadbTimeout = 1969

function explain(error: unknown): never {
  if (error instanceof SourceFailed) throw error
  const { code, errno, sqlState, message } = error as {
    code?: string
    errno?: number
    sqlState?: string
    message: string
  }
  const reason = errno === mariadbTimeout ? tooLong() : reasons[code ?? '']?.(message)
  if (reason) throw reason
  if (sqlState !== undefined && sqlState !== '' && !/^(08|70)/.test(sqlState))
    throw new SourceFailed('query', `The database says: ${message}`, { cause: error })
  throw new SourceFailed('url', `The database can't be reached: ${message || code}`, {
    transient: true,
    cause: error,
  })
}

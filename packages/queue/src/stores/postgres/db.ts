import type { Connection, Session } from './connection.ts'
import { type StatementName, statements } from './statements.ts'

/**
 * A prepared statement is planned for arrays of about ten elements, and with 10,000 the nested loops of that plan took over
 * 30 s. Beyond this many rows a statement is planned for its own arrays, at about a millisecond.
 */
const preparedRows = 200

/** Runs the store's statements by name, on the pool or, within a transaction, on its connection. */
export interface Db {
  readonly schema: string
  /** `rows`: how many rows the arrays hold, see {@link preparedRows}. */
  run<Row = unknown>(name: StatementName, values?: unknown[], rows?: number): Promise<Row[]>
  raw<Row = unknown>(text: string, values?: unknown[]): Promise<Row[]>
}

export class PoolDb implements Db {
  readonly schema: string
  readonly #connection: Connection
  readonly #texts: Record<StatementName, string>
  readonly #now: () => number
  readonly #timeoutMs: number | undefined

  /** `timeoutMs`: of each statement, where the connection's own is too short. */
  constructor(connection: Connection, schema: string, now: () => number, timeoutMs?: number) {
    this.#connection = connection
    this.#timeoutMs = timeoutMs
    this.schema = schema
    this.#texts = statements(schema)
    this.#now = now
  }

  now(): number {
    return this.#now()
  }

  text(name: StatementName): string {
    return this.#texts[name]
  }

  run<Row>(name: StatementName, values: unknown[] = [], rows = 1): Promise<Row[]> {
    return this.#connection.run<Row>(
      this.#preparedName(name, rows),
      this.#texts[name],
      values,
      this.#timeoutMs,
    )
  }

  raw<Row>(text: string, values: unknown[] = []): Promise<Row[]> {
    return this.#connection.run<Row>(undefined, text, values, this.#timeoutMs)
  }

  /** The work sees what others commit between its statements (READ COMMITTED). */
  transaction<T>(work: (tx: Db) => Promise<T>): Promise<T> {
    return this.#connection.transaction((session) => work(this.#within(session)), this.#timeoutMs)
  }

  #within(session: Session): Db {
    return {
      schema: this.schema,
      run: async <Row>(name: StatementName, values: unknown[] = [], rows = 1) => {
        const prepared = this.#preparedName(name, rows)
        const text = this.#texts[name]
        const statement = prepared ? { name: `fairway_queue_${prepared}`, text, values } : { text, values }
        return (await session.query(statement)).rows as Row[]
      },
      raw: async <Row>(text: string, values: unknown[] = []) =>
        (await session.query({ text, values })).rows as Row[],
    }
  }

  #preparedName(name: StatementName, rows: number): string | undefined {
    return rows > preparedRows ? undefined : `${this.schema}_${name}`
  }
}

/** One array per property, as `unnest` takes them. */
export const columns = <T>(rows: readonly T[], ...picks: ((row: T) => unknown)[]): unknown[][] =>
  picks.map((pick) => rows.map(pick))

export const byHead = <T extends { lane: string; tenant: string }>(rows: readonly T[]): unknown[][] =>
  columns(
    rows,
    (row) => row.lane,
    (row) => row.tenant,
  )

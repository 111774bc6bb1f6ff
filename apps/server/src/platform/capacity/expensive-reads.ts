import type { Pool, PoolClient, QueryResult, QueryResultRow } from 'pg'
import type { Statements } from '../db/statements.ts'
import { ApiError } from '../errors.ts'
import { Seats } from './seats.ts'

/** A statement that takes longer is ended, in PostgreSQL. */
export const maxStatementMs = 30_000
const waitingPerProject = 8
const waitingInAll = 200
const maxWaitMs = 5_000
const maxPerProject = 3

/** A quarter of a process's connections: the others are always there for whatever is quick, and for jobs. */
export const connectionsForReads = (connections: number) => Math.floor(connections / 4)

/** As many as two projects that ask for all they may leave a seat for a third one, where there are enough. */
const seatsPerProject = (seats: number) => Math.max(1, Math.min(maxPerProject, Math.floor(seats / 2)))

/** What a read is handed: an App, or the seat of an expensive one. */
export interface Reading {
  now: () => Date
  pool: Statements
  expensiveReads: ExpensiveReads
}

export interface ExpensiveRead {
  projectId: number
  /** What to ask for instead, told to who asked for too much: a sentence. */
  narrow: string
  /** Aborted when nobody waits for the answer any more. */
  signal?: AbortSignal
}

export interface ExpensiveReadsOptions {
  /** For these reads alone; as many may run at once as it has connections. */
  pool: Pool
  /** Ends statements that nobody waits for. */
  quickPool: Pool
  now: () => Date
  statementMs?: number
  /** Whose a project is; default: each stands for itself. */
  organizationOf?: (projectId: number) => Promise<string>
}

/**
 * Reads whose cost the data of a project decides: counts, searches, reports. So many at once for a project and for this
 * process, each with one connection of a pool of their own, so that they never hold those of quick requests and jobs.
 */
export class ExpensiveReads {
  readonly #options: Required<ExpensiveReadsOptions>
  readonly #seats: Seats

  constructor(options: ExpensiveReadsOptions) {
    this.#options = {
      statementMs: maxStatementMs,
      organizationOf: async (projectId) => String(projectId),
      ...options,
    }
    const seats = options.pool.options.max
    this.#seats = new Seats({
      seats,
      seatsPerProject: seatsPerProject(seats),
      waitingPerProject,
      waiting: waitingInAll,
      maxWaitMs,
    })
  }

  /**
   * Runs `work` as soon as there is a seat. It must not use the seat after it has ended.
   *
   * @throws {ApiError} 429 or 503 without a seat in time, 422 when a statement took too long
   */
  async run<T>(read: ExpensiveRead, work: (seat: Seat) => Promise<T>): Promise<T> {
    const organization = await this.#options.organizationOf(read.projectId)
    const giveBack = await this.#seats.take(read.projectId, read.signal, organization)
    const seat = new Seat(this, this.#options, read.signal)
    try {
      return await work(seat)
    } catch (error) {
      if (read.signal?.aborted) throw read.signal.reason
      const tookTooLong = (error as { code?: string }).code === queryCanceled
      throw tookTooLong ? tooCostly(this.#options.statementMs, read.narrow) : error
    } finally {
      await seat.close()
      giveBack()
    }
  }
}

/** SQLSTATE of a statement that was ended from outside or by its timeout. */
const queryCanceled = '57014'

const tooCostly = (statementMs: number, narrow: string) =>
  new ApiError(422, 'too_costly', `This took more than ${statementMs / 1000} s and was ended. ${narrow}`)

/** One connection, taken at the first statement. Statements run one after the other, each at most for its time. */
export class Seat implements Reading {
  readonly now: () => Date
  readonly expensiveReads: ExpensiveReads
  readonly pool: Statements = { query: (text, values) => this.#query(text, values) }
  readonly #options: Required<ExpensiveReadsOptions>
  readonly #signal: AbortSignal | undefined
  #connection: Promise<{ client: PoolClient; pid: number }> | undefined
  #last: Promise<unknown> = Promise.resolve()
  #cancelling: Promise<unknown> | undefined
  #closed = false

  constructor(
    expensiveReads: ExpensiveReads,
    options: Required<ExpensiveReadsOptions>,
    signal: AbortSignal | undefined,
  ) {
    this.now = options.now
    this.expensiveReads = expensiveReads
    this.#options = options
    this.#signal = signal
  }

  /** Read-only. `setUp`: settings of it, as SQL. */
  async transaction<T>(setUp: string, work: (client: Statements) => Promise<T>): Promise<T> {
    await this.#query(`begin read only; ${setUp}`)
    try {
      return await work(this.pool)
    } finally {
      await this.#query('rollback').catch(() => {})
    }
  }

  /** Waits for the statement under way; what has not begun does not begin any more. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#last
    await this.#cancelling
    // After a cancellation the connection may be in the middle of a transaction.
    const connection = await this.#connection?.catch(() => undefined)
    connection?.client.release(this.#signal?.aborted === true)
  }

  #query<Row extends QueryResultRow>(text: string, values?: unknown[]): Promise<QueryResult<Row>> {
    const result = this.#last.then(() => this.#run<Row>(text, values))
    this.#last = result.catch(() => {})
    return result
  }

  async #run<Row extends QueryResultRow>(text: string, values?: unknown[]): Promise<QueryResult<Row>> {
    if (this.#closed) throw new Error('A seat was used after its read had ended')
    this.#signal?.throwIfAborted()
    this.#connection ??= this.#connect()
    const { client, pid } = await this.#connection
    this.#signal?.throwIfAborted()
    const cancel = () => {
      this.#cancelling = this.#options.quickPool.query('select pg_cancel_backend($1)', [pid]).catch(() => {})
    }
    this.#signal?.addEventListener('abort', cancel)
    try {
      return await client.query<Row>(text, values)
    } finally {
      this.#signal?.removeEventListener('abort', cancel)
    }
  }

  async #connect(): Promise<{ client: PoolClient; pid: number }> {
    const client = await this.#options.pool.connect()
    try {
      const { rows } = await client.query<{ pid: number }>(
        `select pg_backend_pid() as pid, set_config('statement_timeout', $1, false),
           set_config('default_transaction_read_only', 'on', false)`,
        [String(this.#options.statementMs)],
      )
      return { client, pid: rows[0]!.pid }
    } catch (error) {
      client.release(true)
      throw error
    }
  }
}

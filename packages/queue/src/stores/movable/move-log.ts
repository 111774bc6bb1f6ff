import type pg from 'pg'
import { QueueUnavailable } from '../../api/errors.ts'
import { Connection } from '../postgres/connection.ts'
import type { MoveState, Phase } from './move-state.ts'
import { createTables, statements } from './sql.ts'

/** A process that was silent for so long counts as dead; it must have stopped using what it knew by then. */
export const silentMs = 5_000

/** How often a process asks whether it may lead. */
const leadEveryMs = 1_000

/** Who uses the queue at the moment. */
export interface Roll {
  living: number
  /** Of them, those that have not seen the turn. */
  behind: number
  /** Leases of the source that they hold. */
  held: number
}

/** Where the jobs are, written down in PostgreSQL for all processes. */
export class MoveLog {
  readonly #connection: Connection
  readonly #schema: string
  #leader: pg.PoolClient | undefined
  #leadAgainAt = Number.NEGATIVE_INFINITY

  constructor(source: { pool: pg.Pool } | { connectionString: string }, schema: string) {
    this.#connection = new Connection(source)
    this.#schema = schema
  }

  async migrate(first: string): Promise<void> {
    const [ready] = await this.#connection.run<{ found: boolean }>(
      undefined,
      'select to_regclass($1) is not null as found',
      [`${this.#schema}.place`],
    )
    await this.#connection.transaction(async (session) => {
      await session.query({
        text: 'select pg_advisory_xact_lock(hashtextextended($1, 0))',
        values: [`place ${this.#schema}`],
      })
      // A role that may not create anything can use what is there.
      if (!ready!.found) await session.query({ text: createTables(this.#schema) })
      await session.query({ text: statements.initPlace(this.#schema), values: [first] })
    })
  }

  async beat(process: string, turn: number, held: number): Promise<MoveState> {
    const [state] = await this.#run<MoveState>('beat', [process, turn, held])
    if (!state) throw new QueueUnavailable('Nobody has called migrate() on this queue yet', 1_000)
    return state
  }

  async read(): Promise<MoveState> {
    return (await this.#run<MoveState>('readMoveState'))[0]!
  }

  async leave(process: string): Promise<void> {
    await this.#run('leave', [process])
  }

  async roll(turn: number): Promise<Roll> {
    return (await this.#run<Roll>('roll', [silentMs, turn]))[0]!
  }

  /** False: a move is under way, or the jobs are there already. */
  async start(target: string, move: string, total: number): Promise<boolean> {
    return (await this.#run('startMove', [target, move, total])).length > 0
  }

  /** False: somebody else has changed the phase meanwhile. */
  async advance(turn: number, phase: Phase): Promise<boolean> {
    return (await this.#run('advance', [turn, phase])).length > 0
  }

  async countMoved(jobs: number): Promise<void> {
    await this.#run('countMoved', [jobs])
  }

  /** One process at a time leads, for as long as its connection lives. */
  async lead(): Promise<boolean> {
    if (this.#leader) return true
    if (performance.now() < this.#leadAgainAt) return false
    this.#leadAgainAt = performance.now() + leadEveryMs
    const client = await this.#connection.pool.connect()
    const { rows } = await client
      .query('select pg_try_advisory_lock(hashtextextended($1, 0)) as won', [`lead ${this.#schema}`])
      .catch((error) => {
        client.release(true)
        throw error
      })
    if (!rows[0].won) {
      client.release()
      return false
    }
    this.#leader = client
    const lost = () => {
      this.#leader = undefined
    }
    client.once('error', lost)
    client.once('end', lost)
    return true
  }

  async close(): Promise<void> {
    // The lock ends with its connection.
    this.#leader?.release(true)
    this.#leader = undefined
    await this.#connection.close()
  }

  #run<Row>(name: keyof typeof statements, values: unknown[] = []): Promise<Row[]> {
    return this.#connection.run<Row>(`${this.#schema}_place_${name}`, statements[name](this.#schema), values)
  }
}

import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import pg from 'pg'
import { atEnd, startProcess } from '../../machines.ts'
import type { Churned } from './churn.ts'

/** Changed by every claim and commit; compaction removes their old versions while vacuum can't. */
export const hot = ['heads', 'lanes', 'workers', 'streams']
/** Rows that are written once and deleted. */
export const passing = ['pages', 'leases']

export interface Sample extends Churned {
  /** Seconds since the transaction was opened. */
  at: number
  /** Mean time of the claim statement since the sample before, measured by the server, ms. */
  claimMs: number
  /** Buffers that one claim looked at: what its time is made of, and no other process disturbs it. */
  claimBuffers: number
  /** Server time of all statements, by handled job, ms. */
  serverMsPerJob: number
  dead: Record<string, number>
  megabytes: Record<string, number>
}

/** Of the same churn twice on one server, one. */
export class Side {
  readonly #database: pg.Client
  readonly #churn: ChildProcess
  readonly #name: string
  #before = new Map<string, Totals>()

  static async start(url: string, perSecond: number): Promise<Side> {
    const { child } = await startProcess<'ready'>('./queue/held/churn.ts', [url, String(perSecond)])
    const database = new pg.Client({ connectionString: url })
    await database.connect()
    atEnd(() => database.end())
    return new Side(database, child, new URL(url).pathname.slice(1))
  }

  private constructor(database: pg.Client, churn: ChildProcess, name: string) {
    this.#database = database
    this.#churn = churn
    this.#name = name
  }

  /** `statements`: a connection to the database that has pg_stat_statements, which sees those of all databases. */
  async sample(statements: pg.Client, at: number): Promise<Sample> {
    const reply = once(this.#churn, 'message')
    this.#churn.send('what happened?')
    const [churned] = (await reply) as [Churned]
    const claim = await this.#spent(statements, '%with mode as materialized%picked as materialized%')
    const all = await this.#spent(statements, '%')
    const { rows } = await this.#database.query<{ table: string; dead: number; megabytes: number }>(
      `select relname as table, n_dead_tup::float8 as dead, pg_total_relation_size(relid)::float8 / 1048576 as megabytes
       from pg_stat_user_tables where schemaname = 'fairway_queue' and relname = any ($1)`,
      [[...hot, ...passing]],
    )
    return {
      at,
      ...churned,
      claimMs: claim.ms / claim.calls,
      claimBuffers: claim.buffers / claim.calls,
      serverMsPerJob: all.ms / churned.jobs,
      dead: Object.fromEntries(rows.map((row) => [row.table, row.dead])),
      megabytes: Object.fromEntries(rows.map((row) => [row.table, row.megabytes])),
    }
  }

  /** What statements like this took since the last question. */
  async #spent(statements: pg.Client, like: string): Promise<Totals> {
    const { rows } = await statements.query<Totals>(
      `select coalesce(sum(calls), 0)::float8 as calls, coalesce(sum(total_exec_time), 0)::float8 as ms,
              coalesce(sum(shared_blks_hit + shared_blks_read), 0)::float8 as buffers
       from pg_stat_statements s join pg_database d on d.oid = s.dbid where d.datname = $1 and s.query ilike $2`,
      [this.#name, like],
    )
    const now = rows[0]!
    const before = this.#before.get(like) ?? { calls: 0, ms: 0, buffers: 0 }
    this.#before.set(like, now)
    return { calls: now.calls - before.calls, ms: now.ms - before.ms, buffers: now.buffers - before.buffers }
  }
}

interface Totals {
  calls: number
  ms: number
  buffers: number
}

export const sumOf = (numbers: Record<string, number>, tables: string[]): number =>
  tables.reduce((sum, table) => sum + (numbers[table] ?? 0), 0)

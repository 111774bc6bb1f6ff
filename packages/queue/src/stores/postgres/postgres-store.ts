import type pg from 'pg'
import { encodeRecord, packPages } from '../../page.ts'
import type { Transaction } from '../../queue.ts'
import { returnJobs } from '../../returned-jobs.ts'
import type { ClaimedPage, LaneRequest, Page, ScheduledPage, Settlement, Store } from '../../store.ts'
import type { DeadLetter, LaneStats, TenantStats } from '../../types.ts'
import { Connection } from './connection.ts'
import { Listener } from './listener.ts'
import * as appendSql from './sql/append.ts'
import { claim } from './sql/claim.ts'
import * as inspectSql from './sql/inspect.ts'
import { nextDue, promote } from './sql/promote.ts'
import { migrations } from './sql/schema.ts'
import { settle } from './sql/settle.ts'
import * as workersSql from './sql/workers.ts'

export interface PostgresStoreOptions {
  /** Your own pool, shared with the rest of the program … */
  pool?: pg.Pool
  /** … or where to connect; the store then keeps at most 6 connections. */
  connectionString?: string
  /** Schema that holds the tables. Default `fairway_queue`. */
  schema?: string
  /** Clock for due times; default: the database's, measured at every heartbeat. Leases always use the database's. */
  now?: () => number
}

/** Jobs in PostgreSQL 14 or newer. */
export function postgresStore(options: PostgresStoreOptions): Store {
  return new PostgresStore(options)
}

/**
 * A prepared statement is planned for arrays of about ten elements, and with 10,000 the nested loops of that plan took over
 * 30 s. Beyond this many rows a statement is planned for its own arrays, at about a millisecond.
 */
const preparedRows = 50

class PostgresStore implements Store {
  readonly #connection: Connection
  readonly #schema: string
  readonly #channel: string
  readonly #listener: Listener
  readonly #givenNow: (() => number) | undefined
  /** Database clock minus this machine's, in ms. */
  #clockOffset = 0
  readonly #sql: ReturnType<typeof statements>

  constructor(options: PostgresStoreOptions) {
    const { pool, connectionString } = options
    if (!pool && !connectionString) throw new TypeError('postgresStore needs a pool or a connectionString')
    this.#connection = new Connection(pool ? { pool } : { connectionString: connectionString! })
    const schema = options.schema ?? 'fairway_queue'
    if (!/^[a-z_][a-z0-9_]{0,40}$/.test(schema))
      throw new TypeError('schema must be lower-case letters, digits and underscores, 41 characters at most')
    this.#schema = schema
    this.#channel = `${schema}_wake`
    this.#sql = statements(schema)
    this.#givenNow = options.now
    this.#listener = new Listener(this.#connection, this.#channel)
  }

  now(): number {
    return this.#givenNow ? this.#givenNow() : Date.now() + this.#clockOffset
  }

  async migrate(): Promise<void> {
    const s = this.#schema
    await this.#connection.transaction(async (client) => {
      // Two processes that start together: the second waits here and finds nothing left to do.
      await client.query(`select pg_advisory_xact_lock(hashtextextended($1, 0))`, [`migrate ${s}`])
      await client.query(`create schema if not exists ${s}`)
      await client.query(
        `create table if not exists ${s}.migrations (number integer primary key, at timestamptz not null default now())`,
      )
      const { rows } = await client.query(`select coalesce(max(number), 0) as done from ${s}.migrations`)
      for (let number = Number(rows[0].done); number < migrations.length; number++) {
        await client.query(migrations[number]!(s))
        await client.query(`insert into ${s}.migrations (number) values ($1)`, [number + 1])
      }
    })
    await this.#measureClock()
  }

  async append(ready: Page[], scheduled: ScheduledPage[]): Promise<void> {
    const pages = [...ready, ...scheduled]
    await this.#run('append', [...pageColumns(pages), this.now()], pages.length)
  }

  async scheduleIn(transaction: Transaction, pages: ScheduledPage[]): Promise<void> {
    await transaction.query(this.#sql.scheduleIn, [...pageColumns(pages), this.#channel])
  }

  async promote(limit: number): Promise<{ jobs: number; nextDueAt: number | undefined }> {
    const [moved] = await this.#run<{ jobs: number }>('promote', [this.now(), limit], limit)
    const [next] = await this.#run<{ at: number | null }>('nextDue', [])
    return { jobs: moved!.jobs, nextDueAt: next!.at ?? undefined }
  }

  async openWorker(leaseMs: number): Promise<number> {
    const [row] = await this.#run<{ id: number }>('openWorker', [leaseMs])
    await this.#measureClock()
    return row!.id
  }

  async heartbeat(worker: number, leaseMs: number): Promise<boolean> {
    const rows = await this.#run('heartbeat', [worker, leaseMs])
    await this.#measureClock()
    return rows.length > 0
  }

  async closeWorker(worker: number): Promise<void> {
    await this.#run('closeWorker', [worker])
  }

  async claim(worker: number, lanes: LaneRequest[]): Promise<ClaimedPage[]> {
    const skip = lanes.flatMap((request) => request.skip.map((tenant) => `${request.lane}\u001f${tenant}`))
    const rows = await this.#run<ClaimedPage & { done: number[] | null }>('claim', [
      worker,
      lanes.map((request) => request.lane),
      lanes.map((request) => request.heads),
      lanes.map((request) => request.pagesPerHead),
      lanes.map((request) => request.maxBytes),
      skip,
    ])
    for (const row of rows) row.done ??= []
    return rows
  }

  async settle(settlement: Settlement): Promise<Set<number>> {
    const { finished, partial, reschedule, dead, emptied, corrections } = settlement
    const leases = new Set<number>(emptied)
    for (const group of [finished, partial, reschedule, dead])
      for (const item of group) leases.add(item.lease)
    const column = <T>(rows: T[], pick: (row: T) => unknown) => rows.map(pick)
    const refs = (rows: { lease: number; lane: string; tenant: string; seq: number }[]) => [
      column(rows, (row) => row.lease),
      column(rows, (row) => row.lane),
      column(rows, (row) => row.tenant),
      column(rows, (row) => row.seq),
    ]
    const rows = await this.#run<{ id: number }>(
      'settle',
      [
        settlement.worker,
        [...leases],
        ...refs(finished),
        ...refs(partial),
        column(partial, (row) => `{${row.positions.join(',')}}`),
        column(reschedule, (row) => row.lease),
        column(reschedule, (row) => row.lane),
        column(reschedule, (row) => row.tenant),
        column(reschedule, (row) => row.jobs),
        column(reschedule, (row) => row.bytes),
        column(reschedule, (row) => row.body),
        column(reschedule, (row) => row.dueAt),
        column(dead, (row) => row.lease),
        column(dead, (row) => row.lane),
        column(dead, (row) => row.tenant),
        column(dead, (row) => row.id),
        column(dead, (row) => row.name),
        column(dead, (row) => row.data),
        column(dead, (row) => row.attempts),
        column(dead, (row) => row.reason),
        emptied,
        column(corrections, (row) => row.lane),
        column(corrections, (row) => row.tenant),
        column(corrections, (row) => row.cost),
        column(corrections, (row) => row.difference),
      ],
      finished.length + partial.length + reschedule.length + corrections.length,
    )
    return new Set(rows.map((row) => row.id))
  }

  async reap({ maxAttempts }: { maxAttempts: number }): Promise<number> {
    return this.#connection.transaction(async (client) => {
      const { rows: expired } = await client.query(this.#sql.expiredWorkers)
      if (expired.length === 0) return 0
      const workers = expired.map((row) => row.id)
      const { rows: pages } = await client.query(this.#sql.takeBack, [workers])
      const returned = returnJobs(pages, { now: this.now(), maxAttempts })
      if (returned.pages.length > 0) await this.scheduleIn(client, returned.pages)
      for (const job of returned.dead)
        await client.query(this.#sql.bury, [
          job.lane,
          job.tenant,
          job.id,
          job.name,
          job.data,
          job.attempts,
          job.reason,
        ])
      await client.query(this.#sql.forgetWorkers, [workers])
      return returned.jobs
    })
  }

  async collect(): Promise<number> {
    const result = await this.#connection.transaction((client) => client.query(this.#sql.collectHeads))
    return result.rowCount ?? 0
  }

  listen(wake: (what: 'ready' | 'scheduled') => void): Promise<void> {
    return this.#listener.open(wake)
  }

  announce(what: 'ready' | 'scheduled'): void {
    this.#listener.announce(what)
  }

  stats(): Promise<LaneStats[]> {
    return this.#run('stats', [this.now()])
  }

  tenants(limit: number): Promise<TenantStats[]> {
    return this.#run('tenants', [this.now(), limit])
  }

  async setWeight(tenant: string, weight: number): Promise<void> {
    await this.#run('setWeight', [tenant, weight])
  }

  async deadLetters(filter: {
    lane?: string
    tenant?: string
    limit: number
    before?: string
  }): Promise<DeadLetter[]> {
    const rows = await this.#run<Omit<DeadLetter, 'data'> & { data: string }>('deadLetters', [
      filter.lane ?? null,
      filter.tenant ?? null,
      filter.before ?? null,
      filter.limit,
    ])
    return rows.map((row) => ({ ...row, data: JSON.parse(row.data) }))
  }

  async retryDead(ids: string[]): Promise<number> {
    const dueAt = this.now()
    return this.#connection.transaction(async (client) => {
      const { rows } = await client.query(this.#sql.takeDead, [ids])
      const records = rows.map((row) => {
        const record = encodeRecord([row.id, row.name, JSON.parse(row.data)])
        return { lane: row.lane, tenant: row.tenant, record, bytes: Buffer.byteLength(record) }
      })
      const pages = packPages(records).map((page) => ({ ...page, dueAt }))
      if (pages.length > 0) await this.scheduleIn(client, pages)
      return rows.length
    })
  }

  async discardDead(ids: string[]): Promise<number> {
    return (await this.#run('takeDead', [ids])).length
  }

  async purgeTenant(tenant: string): Promise<number> {
    return this.#connection.transaction(async (client) => {
      // A statement of its own: the next one then sees every page that was appended before the locks were had.
      await client.query(this.#sql.lockHeads, [tenant])
      const { rows } = await client.query(this.#sql.purgeTenant, [tenant])
      return rows[0].jobs
    })
  }

  async ping(): Promise<void> {
    await this.#connection.run('ping', 'select 1')
  }

  async close(): Promise<void> {
    await this.#listener.close()
    await this.#connection.close()
  }

  #run<Row>(name: keyof ReturnType<typeof statements>, values: unknown[], rows = 1): Promise<Row[]> {
    const text = this.#sql[name]
    return rows > preparedRows
      ? this.#connection.run<Row>(undefined, text, values)
      : this.#connection.run<Row>(`${this.#schema}_${name}`, text, values)
  }

  async #measureClock(): Promise<void> {
    if (this.#givenNow) return
    const sent = Date.now()
    const [row] = await this.#connection.run<{ at: number }>(
      'clock',
      'select extract(epoch from clock_timestamp())::float8 * 1000 as at',
    )
    this.#clockOffset = row!.at - (sent + Date.now()) / 2
  }
}

/** The parallel arrays $1–$8 that {@link appendSql} takes; a page without a due time is ready now. */
function pageColumns(pages: (Page & Partial<ScheduledPage>)[]): unknown[] {
  const followers: number[] = new Array(pages.length)
  const seen = new Map<string, number>()
  for (let index = pages.length - 1; index >= 0; index--) {
    const page = pages[index]!
    const head = `${page.lane}\u0000${page.tenant}`
    const after = seen.get(head) ?? 0
    followers[index] = after
    if (page.dueAt === undefined) seen.set(head, after + 1)
  }
  return [
    pages.map((page) => page.lane),
    pages.map((page) => page.tenant),
    pages.map((page) => page.jobs),
    pages.map((page) => page.bytes),
    Buffer.from(pages.length === 1 ? pages[0]!.body : pages.map((page) => page.body).join('')),
    pages.map((page) => page.dueAt ?? null),
    pages.map((page) => page.alone ?? false),
    followers,
  ]
}

function statements(schema: string) {
  return {
    append: appendSql.append(schema),
    scheduleIn: appendSql.scheduleIn(schema),
    promote: promote(schema),
    nextDue: nextDue(schema),
    openWorker: workersSql.openWorker(schema),
    heartbeat: workersSql.heartbeat(schema),
    closeWorker: workersSql.closeWorker(schema),
    expiredWorkers: workersSql.expiredWorkers(schema),
    takeBack: workersSql.takeBack(schema),
    forgetWorkers: workersSql.forgetWorkers(schema),
    collectHeads: workersSql.collectHeads(schema),
    claim: claim(schema),
    settle: settle(schema),
    stats: inspectSql.stats(schema),
    tenants: inspectSql.tenants(schema),
    setWeight: inspectSql.setWeight(schema),
    deadLetters: inspectSql.deadLetters(schema),
    takeDead: inspectSql.takeDead(schema),
    bury: inspectSql.bury(schema),
    lockHeads: inspectSql.lockHeads(schema),
    purgeTenant: inspectSql.purgeTenant(schema),
  }
}

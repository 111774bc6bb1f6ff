import type pg from 'pg'
import { InvalidOption } from '../../api/errors.ts'
import { numberOption, quotasOption } from '../../api/options.ts'
import type { Transaction } from '../../api/queue.ts'
import type {
  DeadLetter,
  DeadLetterQuery,
  Json,
  LaneStats,
  TenantControls,
  TenantStats,
} from '../../api/types.ts'
import type { Blob, NewPage, ScheduledPage } from '../../pages/page.ts'
import type {
  Appended,
  ClaimedPage,
  LaneRequest,
  LossLimits,
  Section,
  SectionRow,
  SectionValues,
  Settlement,
  Store,
  StoredSchedule,
  StoreUsage,
  Usage,
  Wake,
} from '../store.ts'
import { append, appendAll, type Quotas } from './append.ts'
import { claim } from './claim.ts'
import { ClockWatch } from './clock-watch.ts'
import { compact } from './compact.ts'
import { Connection, statementTimeoutMs } from './connection.ts'
import { cancel, type JobRef, readControls, setControls } from './controls.ts'
import { DatabaseClock } from './database-clock.ts'
import { byHead, PoolDb } from './db.ts'
import { deadLetters, discardDead, retryDead } from './dead-letters.ts'
import { Listener } from './listener.ts'
import { migrate } from './migrate.ts'
import { pageColumns } from './page-columns.ts'
import { Promoter } from './promote.ts'
import { reap, releaseOrphans } from './reap.ts'
import { dump, erase, load, readBlobs } from './sections.ts'
import { settle } from './settle.ts'

export interface PostgresStoreOptions {
  /** Your own pool, shared with the rest of the program … */
  pool?: pg.Pool
  /** … or where to connect; the store then keeps at most 6 connections. */
  connectionString?: string
  /** Schema that holds the tables. Default `fairway_queue`. */
  schema?: string
  /** What a tenant may have waiting in each lane, unless its controls say otherwise. Default: no limit. */
  quotas?: Quotas
  /**
   * How long an answer of the database may take, from adds to settlements. Then the connection is given up, and the caller
   * gets QueueUnavailable. What looks at much (inspection, cleaning, moving) has six times as long. Default 10,000.
   */
  statementTimeoutMs?: number
  /** Told of what goes wrong in the background: LISTEN that can't be opened, for instance. Polling goes on. */
  onError?: (error: unknown) => void
  /** Clock for due times; default: the database's, measured at every heartbeat, whatever this machine's says. Leases always use the database's. */
  now?: () => number
}

/** Jobs in PostgreSQL 14 or newer. */
export function postgresStore(options: PostgresStoreOptions): Store {
  return new PostgresStore(options)
}

/** Scheduled work is counted row by row: not more often than this. */
const countScheduledEveryMs = 60_000
/** Whoever asks wants to know soon. */
const pingTimeoutMs = 3_000
/** Of {@link PostgresStore.#patientDb}, in timeouts of ordinary statements. */
const patience = 6

class PostgresStore implements Store {
  readonly appendsAtOnce = 2
  readonly #connection: Connection
  readonly #db: PoolDb
  /** For what looks at much. */
  readonly #patientDb: PoolDb
  readonly #channel: string
  readonly #listener: Listener
  readonly #promoter: Promoter
  readonly #quotas: Quotas
  readonly #clock: DatabaseClock
  readonly #clockWatch = new ClockWatch()
  #scheduledUsage: { at: number; usage: StoreUsage } | undefined

  constructor(options: PostgresStoreOptions) {
    const { pool, connectionString } = options
    if (!pool && !connectionString)
      throw new InvalidOption('connectionString', 'postgresStore needs a pool or a connectionString')
    const timeoutMs = numberOption('statementTimeoutMs', options.statementTimeoutMs, statementTimeoutMs, {
      least: 100,
      most: 3_600_000,
    })
    this.#connection = new Connection(pool ? { pool } : { connectionString: connectionString! }, timeoutMs)
    const schema = options.schema ?? 'fairway_queue'
    if (!/^[a-z_][a-z0-9_]{0,40}$/.test(schema))
      throw new InvalidOption(
        'schema',
        'schema must be lower-case letters, digits and underscores, 41 characters at most',
      )
    this.#channel = `${schema}_wake`
    this.#quotas = quotasOption(options.quotas ?? {})
    this.#clock = new DatabaseClock(this.#connection, options.now)
    this.#db = new PoolDb(this.#connection, schema, () => this.now())
    this.#patientDb = new PoolDb(this.#connection, schema, () => this.now(), patience * timeoutMs)
    this.#promoter = new Promoter(this.#db)
    this.#listener = new Listener(this.#connection, this.#channel, options.onError ?? (() => {}))
  }

  now(): number {
    return this.#clock.now()
  }

  async migrate(): Promise<void> {
    await migrate(this.#connection, this.#db.schema)
    await this.#clock.measure()
  }

  append(pages: NewPage[]): Promise<Appended> {
    return append(this.#db, pages, this.#quotas)
  }

  async scheduleIn(transaction: Transaction, pages: ScheduledPage[]): Promise<void> {
    await transaction.query(this.#db.text('scheduleIn'), [...pageColumns(pages), this.#channel])
  }

  promote(limit: number, onReady?: () => void): Promise<{ jobs: number; nextDueAt: number | undefined }> {
    return this.#promoter.promote(limit, onReady)
  }

  async openWorker(leaseMs: number, kind?: 'mover'): Promise<number> {
    const statement = kind === 'mover' ? 'openMover' : 'openWorker'
    const [row] = await this.#db.run<{ id: number }>(statement, [leaseMs])
    await this.#clock.measure()
    return row!.id
  }

  async heartbeat(worker: number, leaseMs: number, report?: Json): Promise<boolean> {
    const rows = await this.#db.run('heartbeat', [
      worker,
      leaseMs,
      report === undefined ? null : JSON.stringify(report),
    ])
    await this.#clock.measure()
    return rows.length > 0
  }

  async closeWorker(worker: number): Promise<void> {
    await this.#db.run('closeWorker', [worker])
  }

  async reports(): Promise<{ worker: number; report: Json }[]> {
    const rows = await this.#db.run<{ worker: number; report: string }>('reports')
    return rows.map(({ worker, report }) => ({ worker, report: JSON.parse(report) }))
  }

  claim(worker: number, lanes: LaneRequest[]): Promise<ClaimedPage[]> {
    return claim(this.#db, worker, lanes)
  }

  settle(settlement: Settlement): Promise<Set<number>> {
    return settle(this.#db, settlement)
  }

  releaseOrphans(worker: number, known: number[], olderThanMs: number): Promise<number> {
    return releaseOrphans(this.#db, worker, known, olderThanMs)
  }

  reap(limits: LossLimits): Promise<number> {
    return reap(this.#db, limits, this.#clockWatch)
  }

  async collect(): Promise<number> {
    const db = this.#patientDb
    const heads = await db.transaction((tx) => tx.run('collectHeads', [this.now()]))
    await db.run('collectStreams')
    await db.run('collectKeys', [this.now()])
    await db.run('collectMarks', [this.now()])
    await db.run('collectProgress', [this.now()])
    return heads.length
  }

  async tidy(): Promise<void> {
    await compact(this.#patientDb)
  }

  readBlobs(ids: string[]): Promise<Blob[]> {
    return readBlobs(this.#db, ids)
  }

  cancel(jobs: JobRef[]): Promise<void> {
    return cancel(this.#db, jobs)
  }

  cancelled(of?: { lane: string; tenant: string }): Promise<JobRef[]> {
    return of ? this.#db.run('cancelledOf', [of.lane, of.tenant]) : this.#db.run('cancelledLately')
  }

  async saveProgress(rows: { lane: string; tenant: string; id: string; progress: Json }[]): Promise<void> {
    await this.#db.run('saveProgress', [
      rows.map((row) => row.id),
      ...byHead(rows),
      rows.map((row) => JSON.stringify(row.progress)),
      this.now(),
    ])
  }

  async progress(id: string): Promise<Json | undefined> {
    const [row] = await this.#db.run<{ progress: string }>('progressOf', [id])
    return row && JSON.parse(row.progress)
  }

  schedules(): Promise<StoredSchedule[]> {
    return this.#db.run('schedules')
  }

  async saveSchedule({ id, spec, nextAt }: StoredSchedule): Promise<void> {
    await this.#db.run('saveSchedule', [id, spec, nextAt])
  }

  async removeSchedule(id: string): Promise<boolean> {
    return (await this.#db.run('removeSchedule', [id])).length > 0
  }

  fire(id: string, expected: number, nextAt: number, pages: NewPage[]): Promise<boolean> {
    return this.#db.transaction(async (tx) => {
      const moved = await tx.run('advanceSchedule', [id, expected, nextAt])
      if (moved.length === 0) return false
      await appendAll(tx, this.now(), pages, {})
      return true
    })
  }

  listen(wake: (what: Wake) => void): Promise<void> {
    return this.#listener.open(wake)
  }

  announce(what: Wake): void {
    this.#listener.announce(what)
  }

  openEverything(): Promise<void> {
    return this.#promoter.openEverything()
  }

  async remaining(): Promise<number> {
    const [row] = await this.#patientDb.run<{ jobs: number }>('remaining')
    return row!.jobs
  }

  holders(keys: { lane: string; tenant: string; key: string }[]): Promise<SectionValues['unique'][]> {
    return this.#patientDb.run(
      'holders',
      [...byHead(keys), keys.map(({ key }) => key), this.now()],
      keys.length,
    )
  }

  stats(): Promise<LaneStats[]> {
    return this.#patientDb.run('stats', [this.now()])
  }

  tenants(limit: number, of: { lane?: string; tenant?: string } = {}): Promise<TenantStats[]> {
    return this.#patientDb.run('tenants', [this.now(), limit, of.lane ?? null, of.tenant ?? null])
  }

  usage(of: { lane: string; tenant: string }[]): Promise<Usage[]> {
    const { maxJobs, maxBytes } = this.#quotas
    return this.#db.run('usage', [...byHead(of), maxJobs ?? null, maxBytes ?? null], of.length)
  }

  async storeUsage(): Promise<StoreUsage> {
    const [waiting] = await this.#db.run<StoreUsage>('waitingUsage')
    if (!this.#scheduledUsage || performance.now() - this.#scheduledUsage.at > countScheduledEveryMs) {
      const [usage] = await this.#patientDb.run<StoreUsage>('scheduledUsage')
      this.#scheduledUsage = { at: performance.now(), usage: usage! }
    }
    const scheduled = this.#scheduledUsage.usage
    return { jobs: waiting!.jobs + scheduled.jobs, bytes: waiting!.bytes + scheduled.bytes }
  }

  setControls(tenant: string, controls: TenantControls): Promise<void> {
    return setControls(this.#db, tenant, controls)
  }

  controls(tenant: string): Promise<TenantControls> {
    return readControls(this.#db, tenant)
  }

  async pauseLane(lane: string, paused: boolean): Promise<void> {
    await this.#db.run('pauseLane', [lane, paused])
  }

  deadLetters(query: DeadLetterQuery): Promise<DeadLetter[]> {
    return deadLetters(this.#patientDb, query)
  }

  retryDead(letters: { ref: string; dueAt: number }[]): Promise<number> {
    return retryDead(this.#patientDb, letters)
  }

  discardDead(refs: string[]): Promise<number> {
    return discardDead(this.#patientDb, refs)
  }

  async retainDead({ maxAgeMs, maxBytes }: { maxAgeMs: number; maxBytes: number }): Promise<number> {
    const [row] = await this.#patientDb.run<{ jobs: number }>('retainDead', [this.now() - maxAgeMs, maxBytes])
    return row!.jobs
  }

  purgeTenant(tenant: string): Promise<number> {
    return this.#patientDb.transaction(async (tx) => {
      // A statement of its own: the next one then sees every page that was appended before the locks were had.
      await tx.run('lockTenant', [tenant])
      const [row] = await tx.run<{ jobs: number }>('purgeTenant', [tenant])
      return row!.jobs
    })
  }

  dump<S extends Section>(section: S, limit: number): Promise<SectionRow<S>[]> {
    return dump(this.#patientDb, section, limit)
  }

  load<S extends Section>(section: S, rows: SectionRow<S>[], origin: string): Promise<void> {
    return load(this.#patientDb, section, rows, origin)
  }

  erase<S extends Section>(section: S, rows: SectionRow<S>[]): Promise<void> {
    return erase(this.#patientDb, section, rows)
  }

  async ping(): Promise<void> {
    await this.#connection.requireAnswers()
    await this.#connection.run('ping', 'select 1', [], pingTimeoutMs)
  }

  async close(): Promise<void> {
    await this.#listener.close()
    await this.#connection.close()
  }
}

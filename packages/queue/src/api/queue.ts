import type { QueueOverview } from './queue-overview.ts'
import type {
  Added,
  BatchHandler,
  DeadLetter,
  DeadLetterFilter,
  DeadLetterQuery,
  Handler,
  JobInput,
  Json,
  LaneStats,
  Redrive,
  Schedule,
  TenantControls,
  TenantStats,
  WorkerOptions,
} from './types.ts'
import type { WorkerEvents } from './worker-events.ts'

/** The part of a PostgreSQL client that `addIn` needs: a `pg` Client or PoolClient fits. */
export interface Transaction {
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>
}

/** `timeoutMs`: instead of the worker's. */
export type Handlers = Record<
  string,
  Handler | { batch: BatchHandler; maxBatch?: number; timeoutMs?: number }
>

export interface Worker extends WorkerEvents {
  /**
   * Leaves the machine to something more urgent: what {@link LaneConfig.yields} names rests after each call, so that it runs
   * for about `1 - share` of the time. Holds until called again; 0 ends it.
   *
   * @param share from 0 to 0.95; what is outside counts as the nearest, what is no number as 0.
   */
  standBack(share: number): void
  /** Stop claiming, give running handlers `graceMs` (default 10,000) to end, release the rest to other workers. */
  close(options?: { graceMs?: number }): Promise<void>
}

/** One job, as `cancel` needs it. */
export interface JobAddress {
  lane: string
  tenant: string
  id: string
}

/** Jobs that are encoded one by one, and added together. */
export interface JobGroup {
  readonly length: number
  /** Encodes the job; what is wrong with it is told by {@link add}. */
  put(job: JobInput): void
  /** As {@link Queue.addMany}. */
  add(): Promise<Added[]>
}

export interface Queue {
  /** Create or upgrade the store's tables. Safe to run from many processes at once. */
  migrate(): Promise<void>
  /**
   * Resolves after the commit that made the job durable. Rejects with InvalidJob, TenantQuotaExceeded, QueueOverloaded,
   * QueueUnavailable or QueueClosed. After QueueUnavailable the job may be stored (the reply was lost); else it is not.
   */
  add(job: JobInput): Promise<Added>
  /** All or none, but for jobs whose dedupe key is taken; resolves after the commit. */
  addMany(jobs: JobInput[]): Promise<Added[]>
  /** For thousands of jobs that are to be added together without holding the event loop while all of them are encoded. */
  gather(): JobGroup
  /** Adds inside your open transaction: the jobs exist if and only if it commits. Without dedupe keys. */
  addIn(transaction: Transaction, jobs: JobInput[]): Promise<Added[]>
  /** Start working. Handlers are chosen by job name. */
  worker(handlers: Handlers, options: WorkerOptions): Worker

  /** A job that has not started never starts; the signal of one that runs alone in its handler call is aborted. */
  cancel(jobs: JobAddress[]): Promise<void>
  /** What a handler said last of how far the job is; undefined before, and after it ended. */
  progress(id: string): Promise<Json | undefined>

  /** Change how a tenant is treated, from the next dispatch on. Members left out stay; null means default. */
  set(tenant: string, controls: TenantControls): Promise<void>
  controls(tenant: string): Promise<TenantControls>
  /** Stop handing out jobs of a tenant or a lane; what is in the hands of workers still runs. Adding goes on. */
  pause(what: { tenant: string } | { lane: string }): Promise<void>
  resume(what: { tenant: string } | { lane: string }): Promise<void>

  /** Create or replace a repeating job. It fires once at each time, however many processes work. */
  schedule(id: string, schedule: Schedule): Promise<void>
  schedules(): Promise<(Schedule & { id: string; nextAt: Date })[]>
  unschedule(id: string): Promise<boolean>

  stats(): Promise<LaneStats[]>
  /** The `limit` tenants with most waiting jobs. */
  tenants(limit?: number, of?: { lane?: string; tenant?: string }): Promise<TenantStats[]>
  /** Bytes that this process keeps for the queue, by purpose, with their limits. */
  memory(): Record<string, { used: number; limit: number }>
  /**
   * How the queue is doing, over all processes: per lane what waits, dwell, throughput, time to drain, fairness and who got
   * how much service. Reads the store a few times: keep an answer for some seconds.
   */
  overview(): Promise<QueueOverview>

  /** Newest first, at most `limit` (100); with `withData: false` without what the jobs carried. */
  deadLetters(query?: Partial<DeadLetterQuery>): Promise<DeadLetter[]>
  /** Run dead letters again, those with these refs or all that match (`{ tenant, refs }`: both). Returns how many. */
  redrive(which: DeadLetterFilter | string[], options?: Redrive): Promise<number>
  /** Remove dead letters for good. Returns how many. */
  discard(which: DeadLetterFilter | string[]): Promise<number>
  /** Remove waiting, scheduled and dead jobs of a tenant (a deleted project), and its keys and marks. Returns how many. */
  purgeTenant(tenant: string): Promise<number>
  /** Store reachable? Rejects with QueueUnavailable. */
  ping(): Promise<void>
  close(): Promise<void>
}

import type {
  Added,
  BatchHandler,
  DeadLetter,
  Handler,
  JobInput,
  LaneStats,
  TenantStats,
  WorkerOptions,
} from './types.ts'

/** The part of a PostgreSQL client that `addIn` needs: a `pg` Client or PoolClient fits. */
export interface Transaction {
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>
}

export type Handlers = Record<string, Handler | { batch: BatchHandler; maxBatch?: number }>

export interface Worker {
  /** Stop claiming, give running handlers `graceMs` (default 10,000) to end, release the rest to other workers. */
  close(options?: { graceMs?: number }): Promise<void>
}

export interface Queue {
  /** Create or upgrade the store's tables. Safe to run from many processes at once. */
  migrate(): Promise<void>
  /** Resolves after the commit that made the job durable. Rejects with QueueOverloaded, QueueUnavailable, InvalidJob. */
  add(job: JobInput): Promise<Added>
  /** All or none; resolves after the commit. */
  addMany(jobs: JobInput[]): Promise<Added[]>
  /** Adds inside your open transaction: the jobs exist if and only if it commits. */
  addIn(transaction: Transaction, jobs: JobInput[]): Promise<Added[]>
  /** Start working. Handlers are chosen by job name. */
  worker(handlers: Handlers, options: WorkerOptions): Worker
  stats(): Promise<LaneStats[]>
  /** The `limit` tenants with most waiting jobs. */
  tenants(limit?: number): Promise<TenantStats[]>
  /** Fairness weight of a tenant in every lane; read at dispatch. */
  setWeight(tenant: string, weight: number): Promise<void>
  deadLetters(filter?: {
    lane?: string
    tenant?: string
    limit?: number
    before?: string
  }): Promise<DeadLetter[]>
  retryDead(ids: string[]): Promise<number>
  discardDead(ids: string[]): Promise<number>
  /** Remove waiting, scheduled and dead jobs of a tenant (a deleted project). Returns how many. */
  purgeTenant(tenant: string): Promise<number>
  /** Store reachable? Rejects with QueueUnavailable. */
  ping(): Promise<void>
  close(): Promise<void>
}

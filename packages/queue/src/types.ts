/**
 * The words of the queue.
 *
 * - **tenant**: whose work it is; the unit of fairness. (Fairway's server uses the project id.)
 * - **lane**: a class of work with its own share of capacity, for example `transactional` or `bulk`.
 * - **job**: one unit of work: an id, a name, JSON data.
 * - **page**: many jobs of one tenant and lane, stored as one record.
 * - **head**: the small record per (lane, tenant) that says there is work and where it starts.
 * - **lease**: a worker's temporary right to some pages, with a fencing token. A settlement under a lost lease changes nothing.
 * - **settle**: to acknowledge, retry, or bury the jobs of a lease.
 * - **scheduled**: stored for later (delays, retries, transactional adds); moved to pages when due.
 * - **dead letter**: a job that failed for good, kept with its reason until retried or discarded.
 */

/** Any JSON value. `undefined` members are dropped as `JSON.stringify` does. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json | undefined }

/** What a producer hands in. */
export interface JobInput<T = unknown> {
  lane: string
  tenant: string
  /** Job kind, chooses the handler and the cost estimate. */
  name: string
  /** JSON-serialisable payload. */
  data: T
  /** Own id, for correlation (it does not dedupe). Default: generated, sortable by time. At most 64 characters. */
  id?: string
  /** Milliseconds from now before it may run. */
  delayMs?: number
  /** Absolute time before which it may not run; wins over `delayMs`. */
  runAt?: Date
}

/** What a handler receives. */
export interface Job<T = unknown> {
  readonly id: string
  readonly lane: string
  readonly tenant: string
  readonly name: string
  readonly data: T
  /** 1 on the first run. Counts failures and lost leases, not snoozes. */
  readonly attempt: number
  /** When it became ready to run, ms since the epoch by the store's clock. */
  readonly readyAt: number
}

/** The reply to an accepted job. */
export interface Added {
  id: string
}

export interface JobContext {
  /** Aborted when the lease is lost, the job timeout passes, or a shutdown's grace ends. */
  readonly signal: AbortSignal
}

/** Per-job handler: resolve to acknowledge, throw to retry. Throw {@link Snooze} or {@link Discard} for other ends. */
export type Handler<T = unknown> = (job: Job<T>, context: JobContext) => Promise<void> | void

/** Batch context: every job not named through `retry`, `snooze` or `bury` is acknowledged when the handler resolves. */
export interface BatchContext extends JobContext {
  /** Fail one job of the batch: it is retried with backoff, or dies after its last attempt. */
  retry(job: Job, reason: unknown): void
  /** Run one job again after `delayMs` without counting an attempt. */
  snooze(job: Job, delayMs: number): void
  /** Send one job to the dead letters at once. */
  bury(job: Job, reason: unknown): void
}

/** Batch handler: jobs are of ONE tenant and lane. Throwing fails all that were not settled singly. */
export type BatchHandler<T = unknown> = (jobs: Job<T>[], context: BatchContext) => Promise<void> | void

export interface LaneConfig {
  /** Share of capacity against other lanes with work. Default 1. */
  weight?: number
  /** Fraction (0–1) of a worker's slots that only this lane may use. Default 0. */
  reserved?: number
  /** Handler calls of this lane at once, at most. Default: as many as the worker's concurrency. */
  slots?: number
  /**
   * Slots of the lane that one tenant leaves free for others, even when nobody else has work: what arrives next then never
   * waits for a flood's handlers to end. Worth it where calls are long or share a bottleneck. Default 0.
   */
  spare?: number
}

export interface RetryPolicy {
  /** Runs before a job dies. Default 10. */
  maxAttempts?: number
  /** First backoff in ms, doubled each time, with full jitter. Default 1,000. */
  baseMs?: number
  /** Longest backoff in ms. Default 3,600,000. */
  maxMs?: number
}

export interface WorkerOptions {
  /** Lanes served, with their shares. */
  lanes: Record<string, LaneConfig>
  /** Handler calls under way at once. Default 16. */
  concurrency?: number
  /** Jobs kept ready in memory at most, in bytes of payload. Default 16 MiB. */
  prefetchBytes?: number
  /** Time after which a silent worker's jobs go to others. Default 30,000 ms. */
  leaseMs?: number
  /** Time a handler call may take before its signal aborts and its jobs are retried. Default 300,000 ms. */
  timeoutMs?: number
  retry?: RetryPolicy
  /** Called once per handler call, after it ended; must not throw and should be cheap. */
  observe?: (call: CallReport) => void
}

/** What became of one handler call. */
export interface CallReport {
  lane: string
  tenant: string
  /** Job name. */
  name: string
  jobs: number
  /** Time from when the first job could have run until it ran, ms. */
  dwellMs: number
  /** Time the call held a slot, ms. */
  serviceMs: number
  failed: number
}

/** Numbers per lane and tenant, from the store. */
export interface LaneStats {
  lane: string
  waitingJobs: number
  waitingBytes: number
  scheduledJobs: number
  leasedJobs: number
  deadJobs: number
  /** Age in ms of the oldest waiting job, 0 when none. */
  oldestAgeMs: number
  tenants: number
}

export interface TenantStats {
  lane: string
  tenant: string
  waitingJobs: number
  waitingBytes: number
  oldestAgeMs: number
  weight: number
}

export interface DeadLetter {
  id: string
  lane: string
  tenant: string
  name: string
  data: Json
  attempts: number
  reason: string
  diedAt: Date
}

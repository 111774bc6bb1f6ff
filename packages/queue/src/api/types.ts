import type { Snooze } from './errors.ts'

/**
 * The words of the queue.
 *
 * - **tenant**: whose work it is; the unit of fairness. (Fairway's server uses the project id.)
 * - **lane**: a class of work with its own share of capacity, for example `transactional` or `bulk`.
 * - **job**: one unit of work: an id, a name, JSON data.
 * - **page**: many jobs of one tenant and lane, stored as one record.
 * - **head**: the small record per (lane, tenant) that says there is work and where it starts.
 * - **lease**: a worker's temporary right to some pages, with a fencing token. A settlement under a lost lease changes nothing.
 * - **stream**: within a head, pages that are handed out in order: ordinary ones, one per priority, one per key.
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
  /**
   * 1 to 3: before the tenant's own jobs of lower priority, each step as if it had been added a minute earlier, so that
   * nothing waits for ever. Says nothing about other tenants. Default 0.
   */
  priority?: number
  /**
   * Jobs of one tenant and lane with the same key run one at a time, in the order of adding, retries included; the keys of
   * a tenant share its capacity fairly. At most 200 characters. Not together with `priority`.
   */
  key?: string
  /** Added only if no job of this tenant and lane with the same dedupe key was added within the last `windowMs`. */
  dedupe?: { key: string; windowMs: number }
  /** Not worth running after this time: it goes to the dead letters instead. */
  deadline?: Date
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
  /** When it first became ready, before any retry. */
  readonly firstAt: number
  readonly key?: string
  readonly priority?: number
}

/** The reply to an accepted job. */
export interface Added {
  id: string
  /** Its dedupe key was taken: nothing was added, `id` is the job that took it. */
  duplicate?: true
  /**
   * The tenant's fullest quota after this add, from 0.8 (below, it is left out) to 1. A signal to send less: from 0.9 on
   * adds take longer, at 1 they are refused with {@link TenantQuotaExceeded}.
   */
  pressure?: number
}

export interface JobContext {
  /** Shows how far a long job is: any JSON, stored at most once a second, read with `queue.progress(id)`. */
  progress(job: Job, value: Json): void
  /**
   * The tenant's provider asks for a pause: no job of this tenant and lane starts before `ms` have passed, anywhere. Throw
   * what it returns (a {@link Snooze}) to run this job again after that.
   */
  rateLimited(ms: number): Snooze
  /**
   * Runs `work`, during which the handler only waits for somebody else, a server's answer: a call that does so for longer than a
   * moment gives its slot to others meanwhile, and its tenant does not pay for it. Not for what uses this machine.
   */
  waitFor<T>(work: () => Promise<T>): Promise<T>
  /**
   * Runs parts of the handler at the same time, each with its own {@link waitFor}s: the call waits while all of its parts that
   * have not ended do. Resolves with their results, or rejects with a part's error, when all have ended.
   */
  together<T>(parts: (() => Promise<T>)[]): Promise<T[]>
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
  /**
   * Who pauses after a call while the worker stands back ({@link Worker.standBack}): tenants of which more waits, so that
   * what comes alone is served at once; or everybody in the lane. Default: nobody.
   */
  yields?: 'backlog' | 'all'
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
  /** Handler calls at work at once. Default 16. */
  concurrency?: number
  /**
   * Handler calls that wait for somebody else ({@link JobContext.waitFor}): with so many, kinds of jobs that do start nothing more
   * until one of them ends. Default 256.
   */
  maxWaiting?: number
  /** The same for those of one tenant in one lane; 1 from half of `maxWaiting` on. Default 4. */
  maxWaitingPerTenant?: number
  /** Jobs kept ready in memory at most, in bytes of payload. Default 16 MiB. */
  prefetchBytes?: number
  /** Payloads above 64 KiB of running jobs, in bytes, at most; further ones wait. Default 16 MiB. */
  payloadBytes?: number
  /** Time after which a silent worker's jobs go to others. Default 10,000 ms. */
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
  /** Time it waited for somebody else without a slot, ms. */
  waitedMs: number
  /** Jobs that did not succeed: retried and dead. */
  failed: number
  completed: number
  retried: number
  snoozed: number
  dead: number
  cancelled: number
}

/** Handler calls of a tenant that gave their slot back to wait for somebody else, now. */
export interface WaitingTenant {
  tenant: string
  calls: number
  /** For how long one of them has waited, ms. */
  longestMs: number
}

/** Numbers per lane and tenant, from the store. */
export interface LaneStats {
  lane: string
  waitingJobs: number
  waitingBytes: number
  scheduledJobs: number
  leasedJobs: number
  deadJobs: number
  /** Age in ms of the oldest waiting job since it was first ready (retries do not make it young), 0 when none. */
  oldestAgeMs: number
  tenants: number
  paused: boolean
}

export interface TenantStats {
  lane: string
  tenant: string
  waitingJobs: number
  waitingBytes: number
  oldestAgeMs: number
  weight: number
  paused: boolean
}

/** How a tenant is treated, in each lane. Read at dispatch: changing it rewrites no stored job. Null: the default. */
export interface TenantControls {
  /** Share of capacity against other tenants with work. Above 0, at most 1,000,000. Default 1. */
  weight?: number | null
  /** Jobs (or handler calls, for batch handlers) running at once, over all processes. Default: no limit. */
  maxInFlight?: number | null
  /** Jobs started a second, over all processes. Default: no limit. */
  rate?: number | null
  /** Hands out nothing; adding goes on. */
  paused?: boolean | null
  /** Waiting jobs at most; beyond, adds are refused. Default: the queue's `quotas`. */
  maxJobs?: number | null
  /** Waiting bytes at most. */
  maxBytes?: number | null
}

export interface DeadLetterFilter {
  lane?: string
  tenant?: string
  name?: string
  /** Text that the reason contains, in any case. */
  reason?: string
  /** Died before this time, ISO 8601. */
  before?: string
  /** Only these letters; refs of no letter are passed over. */
  refs?: string[]
  /** Continue after this letter of an earlier answer; a ref of another store is passed over. */
  after?: string
}

/** Which dead letters to list, and what of them. */
export interface DeadLetterQuery extends DeadLetterFilter {
  limit: number
  /** False: without `data`, which may be large; payloads that are kept beside the letters are not read. Default true. */
  withData?: boolean
}

export interface Redrive {
  /** Spread over time, so that this many come due a second. Default: all at once. */
  perSecond?: number
}

/** A repeating job: by `cron` or by `everyMs`. */
export interface Schedule {
  /** Five or six fields (with seconds first), as croner reads them: `0 9 * * 1-5`. */
  cron?: string
  /** IANA time zone of `cron`. Default UTC. */
  timezone?: string
  /** Interval in ms, 1,000 or more. */
  everyMs?: number
  /** Its id is made of the schedule's and the time: the same for whoever adds it. */
  job: JobInput
}

export interface DeadLetter {
  /** Identifies the letter, for retrying and discarding. */
  ref: string
  id: string
  lane: string
  tenant: string
  name: string
  /** Absent where it was not asked for. */
  data?: Json
  attempts: number
  reason: string
  diedAt: Date
}

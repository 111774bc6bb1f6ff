import type { Transaction } from '../api/queue.ts'
import type {
  DeadLetter,
  DeadLetterQuery,
  Json,
  LaneStats,
  TenantControls,
  TenantStats,
} from '../api/types.ts'
import type { Blob, NewPage, Page, ScheduledPage } from '../pages/page.ts'

/** What a tenant has waiting in a lane, against what it may have. Null: no limit. */
export interface Usage {
  lane: string
  tenant: string
  jobs: number
  bytes: number
  maxJobs: number | null
  maxBytes: number | null
}

export interface Appended {
  /** Pages that were not stored because their unique key was taken, with the id of the job that took it. */
  duplicates: { page: NewPage; id: string }[]
  /** Tenants of this append that are above {@link pressureFrom} of a quota, after it. */
  pressure: Usage[]
}

/**
 * Of a page of a tenant with a rate a worker keeps what may start within this time and gives back the rest, so that nobody
 * sits on a page for minutes. A store may count on it when it closes the head.
 */
export const paceAheadMs = 10_000

/** Share of a quota above which a store reports a tenant's usage to its producers. */
export const pressureFrom = 0.8

export interface ClaimedPage extends Page {
  /** Fencing token of the claim; several pages of one claim share it. */
  lease: number
  /** Place in its stream. */
  seq: number
  /** Positions in the body that an earlier holder already finished. */
  done: number[]
  /** When the page became claimable, epoch ms. */
  readyAt: number
  /** When its oldest job first became ready, epoch ms. */
  firstAt: number
  /** Estimated cost of one job in ms, learned from earlier jobs of this tenant and lane. */
  cost: number
  weight: number
  /** Of a tenant with `maxInFlight`: jobs of it that may run at once under this lease. Null: no limit. */
  grant: number | null
  /** Of a tenant with a rate: its jobs of this claim start from `from` (epoch ms) on, `perSecond` of them a second. */
  pace: { from: number; perSecond: number } | null
  /** Jobs of this tenant and lane were cancelled: ask {@link Store.cancelled} before running any. */
  cancels: boolean
}

export interface LaneRequest {
  lane: string
  /** Tenants to serve at most, lowest virtual time first. */
  heads: number
  /** Pages of the ordinary stream per tenant, at most; of other streams one page each. */
  pagesPerHead: number
  /** Bodies to return at most; the first page may exceed it. */
  maxBytes: number
  /** Handler calls that the worker runs at once in this lane: what it can use of a tenant's `maxInFlight`. */
  slots: number
  /** Tenants not wanted now: their work already waits in this worker. */
  skip: string[]
}

interface Owned {
  lease: number
}

export interface PageRef extends Owned {
  lane: string
  tenant: string
  stream: string
  seq: number
}

export interface DeadJob {
  id: string
  lane: string
  tenant: string
  name: string
  /** JSON text; ignored when `blob` is given. */
  data: string
  blob?: string
  /** Where it waited; retried, it waits there again. Absent: the ordinary stream. */
  stream?: string
  attempts: number
  reason: string
}

export interface Settlement {
  worker: number
  /** Counts up by one per settlement of the worker; one that was applied already (its reply was lost) changes nothing. */
  number: number
  /** Pages of which every job is finished. */
  finished: PageRef[]
  /** Newly finished positions of pages that still have work. */
  partial: (PageRef & { positions: number[] })[]
  /** Pages of exclusive streams put back at their place with what is left of them, claimable from `openAt` on. */
  restore: (PageRef & { jobs: number; bytes: number; body: string; firstAt: number; openAt: number })[]
  /** Retries, snoozes and released jobs, stored before their old page goes. */
  reschedule: (ScheduledPage & Owned)[]
  dead: (DeadJob & Owned)[]
  /** Leases that hold nothing any more. */
  emptied: number[]
  /** Tenants with a grant of which a lease holds nothing any more: the grant is free again. */
  released: { lease: number; lane: string; tenant: string }[]
  /** Tenants that are not to be claimed from before `until` (epoch ms). */
  closed: { lane: string; tenant: string; until: number }[]
  /** What the work really cost: virtual time to add, and the new cost estimate in ms. */
  corrections: { lane: string; tenant: string; cost: number; difference: number }[]
  /** Blobs of jobs that ended for good. */
  blobs: string[]
  /** Cancelled jobs that were met and dropped: their marks can go. */
  cancelled: { lane: string; tenant: string; id: string }[]
  /** Jobs that ended, of those with a stored progress. */
  progressed: string[]
}

/** A repeating job. `nextAt` moves on by {@link Store.fire}. */
export interface StoredSchedule {
  id: string
  /** JSON text of what the queue needs to know; the store does not look into it. */
  spec: string
  /** Epoch ms. */
  nextAt: number
}

/** What is moved between stores besides waiting pages; the same form in every store. */
export interface SectionValues {
  /** With the blobs its records refer to. */
  scheduled: ScheduledPage
  /** `data` is JSON text, of a blob too; `diedAt` epoch ms. */
  dead: Omit<DeadJob, 'blob'> & { diedAt: number }
  unique: { lane: string; tenant: string; key: string; id: string; until: number }
  cancelled: { lane: string; tenant: string; id: string }
  progress: { lane: string; tenant: string; id: string; progress: Json }
  tenants: { tenant: string; controls: TenantControls }
  schedules: StoredSchedule
}
export type Section = keyof SectionValues

/** One record of a section. `ref` identifies it within its store and section. */
export interface SectionRow<S extends Section = Section> {
  ref: string
  value: SectionValues[S]
}

export interface StoreUsage {
  /** Waiting and scheduled, jobs and bytes of their bodies. Scheduled ones may be up to a minute old. */
  jobs: number
  bytes: number
}

/** When a job whose worker was lost becomes a dead letter. */
export interface LossLimits {
  /** Attempts, whatever ended them. */
  maxAttempts: number
  /** Workers lost while they held it. Default: as many as attempts. */
  maxLosses?: number
}

/**
 * What a place to keep jobs must do. Every method is atomic and durable when it resolves, unless it says otherwise.
 * One conformance suite (`test/stores/conformance.ts`) holds for all stores.
 */
export interface Store {
  /** The store's clock in epoch ms: due times are read against it, whatever the machines' own clocks say. */
  now(): number
  migrate(): Promise<void>
  /** Appends of different tenants that are worth sending at once. Default 1. */
  readonly appendsAtOnce?: number
  /** Store pages and mark heads as having work. All or none, but for duplicates of unique pages. */
  append(pages: NewPage[]): Promise<Appended>
  /** Store pages for later inside the caller's transaction. Undefined where a store has no transactions. */
  scheduleIn?(transaction: Transaction, pages: ScheduledPage[]): Promise<void>
  /**
   * Move due pages to where they can be claimed, at most `limit` of them, and open heads and streams whose time has come.
   * Returns how many jobs moved or came free and when the next are due (epoch ms). A store that takes longer calls
   * `onReady` whenever some of them can be claimed, before it looks for others.
   */
  promote(limit: number, onReady?: () => void): Promise<{ jobs: number; nextDueAt: number | undefined }>

  /**
   * Start a worker session, alive for `leaseMs` from now and from every heartbeat. A mover runs nothing, it takes pages to
   * another store: its number is below 0, and what it holds when it falls silent comes back as it was.
   */
  openWorker(leaseMs: number, kind?: 'mover'): Promise<number>
  /** False: the session was given up for dead and its work went to others. `report` is what {@link reports} returns. */
  heartbeat(worker: number, leaseMs: number, report?: Json): Promise<boolean>
  /** End a session that holds no leases. */
  closeWorker(worker: number): Promise<void>
  /** The latest reports of the living workers. */
  reports(): Promise<{ worker: number; report: Json }[]>
  /**
   * Take pages of the heads with the lowest virtual time and charge them the estimated cost. Paused, closed and saturated
   * heads are passed over at no cost. May be lost in a crash of the store, which only makes the pages claimable again.
   */
  claim(worker: number, lanes: LaneRequest[]): Promise<ClaimedPage[]>
  /** Record ends. Returns the leases that were still held; everything under others changed nothing. */
  settle(settlement: Settlement): Promise<Set<number>>
  /**
   * Give back, as it was, what a living worker holds under other leases than these, if they are older than `olderThanMs`: the
   * answer to their claim was lost, and nobody works on them. Undefined for stores that can't lose an answer.
   */
  releaseOrphans?(worker: number, known: number[], olderThanMs: number): Promise<number>
  /**
   * Give the work of silent workers back to the queue. Each unfinished job has one attempt more; of an exclusive stream only
   * the first, the others stay behind it. Returns the jobs returned.
   */
  reap(limits: LossLimits): Promise<number>
  /** Forget what is no longer needed: idle heads, expired unique keys, old marks of cancelled jobs. Keeps tables small. */
  collect(): Promise<number>
  /** What keeps a store fast that must be done more often than {@link collect}; undefined where there is nothing. */
  tidy?(): Promise<void>

  readBlobs(ids: string[]): Promise<Blob[]>
  /** Mark jobs so that they are dropped instead of run, wherever they wait. */
  cancel(jobs: { lane: string; tenant: string; id: string }[]): Promise<void>
  /** Ids of cancelled jobs of one tenant and lane, or the latest 1,000 of all. */
  cancelled(of?: { lane: string; tenant: string }): Promise<{ lane: string; tenant: string; id: string }[]>
  saveProgress(rows: { lane: string; tenant: string; id: string; progress: Json }[]): Promise<void>
  progress(id: string): Promise<Json | undefined>

  schedules(): Promise<StoredSchedule[]>
  /** Creates or replaces. */
  saveSchedule(schedule: StoredSchedule): Promise<void>
  removeSchedule(id: string): Promise<boolean>
  /** Store `pages` and move the schedule from `expected` to `nextAt`; false and no change if it has moved already. */
  fire(id: string, expected: number, nextAt: number, pages: NewPage[]): Promise<boolean>

  /** Call `wake` when another process may have added work, or cancelled jobs. Resolves when listening. */
  listen(wake: (what: Wake) => void): Promise<void>
  /** Tell other processes. Coalesced and without a promise: polling is the fallback. */
  announce(what: Wake): void

  /** Open all heads and streams that are closed for a time: of a store that is being emptied. */
  openEverything(): Promise<void>
  /** Jobs waiting, scheduled and leased, exactly: what was appended before the call is counted, what ended before is not. */
  remaining(): Promise<number>
  /** Those of these unique keys that are taken, with who took them and until when. */
  holders(keys: { lane: string; tenant: string; key: string }[]): Promise<SectionValues['unique'][]>

  stats(): Promise<LaneStats[]>
  /** Most waiting jobs first. */
  tenants(limit: number, of?: { lane?: string; tenant?: string }): Promise<TenantStats[]>
  /** What the tenants have waiting in the lanes, for quotas. */
  usage(of: { lane: string; tenant: string }[]): Promise<Usage[]>
  storeUsage(): Promise<StoreUsage>
  /** Members left out stay as they are; null takes one back to its default. Takes effect at the next dispatch. */
  setControls(tenant: string, controls: TenantControls): Promise<void>
  controls(tenant: string): Promise<TenantControls>
  /** Nothing of the lane is handed out while it is paused. */
  pauseLane(lane: string, paused: boolean): Promise<void>

  /** Newest first. */
  deadLetters(query: DeadLetterQuery): Promise<DeadLetter[]>
  /** Take dead letters out and schedule each for its `dueAt`. Unknown refs are passed over. Returns how many. */
  retryDead(letters: { ref: string; dueAt: number }[]): Promise<number>
  discardDead(refs: string[]): Promise<number>
  /** Remove the oldest dead letters beyond these limits. Returns how many. */
  retainDead(limits: { maxAgeMs: number; maxBytes: number }): Promise<number>
  purgeTenant(tenant: string): Promise<number>

  /** Records of a section, at most `limit`, in the order they should be moved. */
  dump<S extends Section>(section: S, limit: number): Promise<SectionRow<S>[]>
  /**
   * Idempotent: a row of the same `origin` (name of the other store) and ref is stored once. Scheduled pages and dead
   * letters are told apart by a unique key `moved:<origin>:<section>:<ref>`, the others by their own keys.
   */
  load<S extends Section>(section: S, rows: SectionRow<S>[], origin: string): Promise<void>
  erase<S extends Section>(section: S, rows: SectionRow<S>[]): Promise<void>

  ping(): Promise<void>
  close(): Promise<void>
}

export type Wake = 'ready' | 'scheduled' | 'cancelled'

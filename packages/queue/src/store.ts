import type { Transaction } from './queue.ts'
import type { DeadLetter, LaneStats, TenantStats } from './types.ts'

/** Many jobs of one tenant and lane, encoded by `page.ts`. */
export interface Page {
  lane: string
  tenant: string
  /** Number of jobs in the body. */
  jobs: number
  /** Size of the body in bytes of UTF-8. */
  bytes: number
  body: string
}

export interface ScheduledPage extends Page {
  /** Not before, epoch ms by {@link Store.now}. */
  dueAt: number
  /** Not to be joined with other jobs into one page. */
  alone?: boolean
}

export interface ClaimedPage extends Page {
  /** Fencing token of the claim; several pages of one claim share it. */
  lease: number
  seq: number
  /** Positions in the body that an earlier holder already finished. */
  done: number[]
  /** When the page became claimable, epoch ms. */
  readyAt: number
  /** Estimated cost of one job in ms, learned from earlier jobs of this tenant and lane. */
  cost: number
  weight: number
}

export interface LaneRequest {
  lane: string
  /** Tenants to serve at most, lowest virtual time first. */
  heads: number
  pagesPerHead: number
  /** Bodies to return at most; the first page may exceed it. */
  maxBytes: number
  /** Tenants not wanted now: their work already waits in this worker. */
  skip: string[]
}

interface Owned {
  lease: number
}

export interface PageRef extends Owned {
  lane: string
  tenant: string
  seq: number
}

export interface Settlement {
  worker: number
  /** Pages of which every job is finished. */
  finished: PageRef[]
  /** Newly finished positions of pages that still have work. */
  partial: (PageRef & { positions: number[] })[]
  /** Retries, snoozes and released jobs, stored before their old page goes. */
  reschedule: (ScheduledPage & Owned)[]
  dead: (DeadJob & Owned)[]
  /** Leases that hold nothing any more. */
  emptied: number[]
  /** What the work really cost: virtual time to add, and the new cost estimate in ms. */
  corrections: { lane: string; tenant: string; cost: number; difference: number }[]
}

export interface DeadJob {
  id: string
  lane: string
  tenant: string
  name: string
  data: string
  attempts: number
  reason: string
}

/**
 * What a place to keep jobs must do. Every method is atomic and durable when it resolves, unless it says otherwise.
 * One conformance suite (`test/conformance.ts`) holds for all stores.
 */
export interface Store {
  /** The store's clock in epoch ms: due times are read against it, whatever the machines' own clocks say. */
  now(): number
  migrate(): Promise<void>
  /** Store pages that can be claimed at once and pages for later, and mark heads as having work. All or none. */
  append(ready: Page[], scheduled: ScheduledPage[]): Promise<void>
  /** Store pages for later inside the caller's transaction. Undefined where a store has no transactions. */
  scheduleIn?(transaction: Transaction, pages: ScheduledPage[]): Promise<void>
  /** Move due pages to where they can be claimed. Returns how many jobs moved and when the next are due (epoch ms). */
  promote(limit: number): Promise<{ jobs: number; nextDueAt: number | undefined }>

  /** Start a worker session, alive for `leaseMs` from now and from every heartbeat. */
  openWorker(leaseMs: number): Promise<number>
  /** False: the session was given up for dead and its work went to others. */
  heartbeat(worker: number, leaseMs: number): Promise<boolean>
  /** End a session that holds no leases. */
  closeWorker(worker: number): Promise<void>
  /**
   * Take pages of the heads with the lowest virtual time and charge them the estimated cost.
   * May be lost in a crash of the store, which only makes the pages claimable again.
   */
  claim(worker: number, lanes: LaneRequest[]): Promise<ClaimedPage[]>
  /** Record ends. Returns the leases that were still held; everything under others changed nothing. */
  settle(settlement: Settlement): Promise<Set<number>>
  /** Give the work of silent workers back to the queue, each job with one attempt more. Returns the jobs returned. */
  reap(limits: { maxAttempts: number }): Promise<number>
  /** Forget heads that have no work and no debt. */
  collect(): Promise<number>

  /** Call `wake` when another process may have added work. Resolves when listening. */
  listen(wake: (what: 'ready' | 'scheduled') => void): Promise<void>
  /** Tell other processes that there is work. Coalesced and without a promise: polling is the fallback. */
  announce(what: 'ready' | 'scheduled'): void

  stats(): Promise<LaneStats[]>
  tenants(limit: number): Promise<TenantStats[]>
  setWeight(tenant: string, weight: number): Promise<void>
  deadLetters(filter: {
    lane?: string
    tenant?: string
    limit: number
    before?: string
  }): Promise<DeadLetter[]>
  retryDead(ids: string[]): Promise<number>
  discardDead(ids: string[]): Promise<number>
  purgeTenant(tenant: string): Promise<number>
  ping(): Promise<void>
  close(): Promise<void>
}

import { FairScheduler } from './fair-scheduler.ts'
import { type JobRecord, maxPageJobs } from './page.ts'
import type { HeldPage } from './settler.ts'
import type { ClaimedPage, LaneRequest } from './store.ts'
import type { LaneConfig } from './types.ts'

/** A job in this worker's memory, waiting for a slot. */
export interface ReadyJob {
  page: HeldPage & { readyAt: number; lost: boolean }
  position: number
  record: JobRecord
}

interface TenantState {
  /** Estimated cost of one job in ms: an average that weighs recent jobs more. */
  cost: number
  /** Jobs in memory: waiting or running. */
  jobs: number
  /** Handler calls under way. */
  calls: number
  /** Difference between true and charged cost that the store does not know of yet, in ms. */
  untold: number
}

/** Weight of the newest measurement in a cost estimate. */
const newest = 0.2
/** Below this difference in ms the store is not told: its estimate is close enough to be fair, and a write saved. */
const tellFromMs = 20
/** Enough work for this long is kept ready, so that claims overlap with handlers; more would only be hoarded. */
const readyAheadMs = 50

/** One lane of one worker: the jobs in memory, in fair order, and what to claim next. */
export class Lane {
  readonly name: string
  readonly weight: number
  /** Slots that only this lane may use. */
  readonly reservedSlots: number
  readonly slots: number
  readonly #slotsPerTenant: number
  readonly scheduler = new FairScheduler<ReadyJob>()
  /** Virtual time among lanes. */
  tag = 0
  running = 0
  bufferedBytes = 0
  /** Set when there may be new work: tenants with nothing in memory are then asked for even when the buffer is full. */
  #newcomers = true
  /** Set when the store had nothing more: not asked again before somebody says there is new work. */
  #dry = false
  #wakes = 0
  readonly #tenants = new Map<string, TenantState>()
  #averageCost = 1
  #lastHeads = 1

  constructor(name: string, { weight = 1, reserved = 0, slots, spare = 0 }: LaneConfig, concurrency: number) {
    this.name = name
    this.weight = weight
    this.slots = Math.min(slots ?? concurrency, concurrency)
    this.#slotsPerTenant = Math.max(1, this.slots - spare)
    this.reservedSlots = Math.min(this.slots, Math.ceil(reserved * concurrency))
  }

  /** A job waits that may be started, as far as this lane's own limits go. */
  get canStart(): boolean {
    return this.scheduler.active > 0 && this.running < this.slots
  }

  /** There may be new work in the store. */
  wake(): void {
    this.#wakes++
    this.#newcomers = true
    this.#dry = false
  }

  /** Call when a request is sent; call the result with the number of pages that came back. */
  asked(): (pages: number) => void {
    this.#newcomers = false
    const wakes = this.#wakes
    return (pages) => {
      if (pages === 0 && wakes === this.#wakes) this.#dry = true
    }
  }

  admit(pages: { claimed: ClaimedPage; held: ReadyJob['page']; records: JobRecord[] }[]): void {
    const tenants = new Set<string>()
    for (const { claimed, held, records } of pages) {
      tenants.add(claimed.tenant)
      const tenant = this.#tenant(claimed.tenant, claimed.cost)
      const done = claimed.done.length > 0 ? new Set(claimed.done) : undefined
      for (let position = 0; position < records.length; position++) {
        if (done?.has(position)) continue
        this.scheduler.push(
          claimed.tenant,
          { page: held, position, record: records[position]! },
          claimed.weight,
        )
        tenant.jobs++
      }
      this.bufferedBytes += claimed.bytes
    }
    this.#lastHeads = Math.max(1, tenants.size)
  }

  /** True when {@link request} would ask for something. */
  wants(budgetBytes: number): boolean {
    return this.#wantsRefill(budgetBytes) || (this.#newcomers && this.bufferedBytes < budgetBytes * 1.25)
  }

  /** What to ask the store for, or undefined when there is enough. */
  request(budgetBytes: number): LaneRequest | undefined {
    if (!this.wants(budgetBytes)) return undefined
    if (this.#wantsRefill(budgetBytes)) {
      const pages = Math.ceil((this.slots * readyAheadMs) / (maxPageJobs * this.#averageCost))
      const pagesPerHead = Math.min(16, Math.max(1, Math.ceil(pages / this.#lastHeads)))
      const maxBytes = Math.ceil(budgetBytes - this.bufferedBytes)
      return { lane: this.name, heads: 200, pagesPerHead, maxBytes, skip: [] }
    }
    // A quarter on top of the budget is kept for tenants that have nothing here: a flood must not close the door on them.
    const maxBytes = Math.ceil(budgetBytes * 1.25 - this.bufferedBytes)
    return { lane: this.name, heads: 200, pagesPerHead: 1, maxBytes, skip: [...this.#tenants.keys()] }
  }

  #wantsRefill(budgetBytes: number): boolean {
    const readyCost = this.scheduler.size * this.#averageCost
    return !this.#dry && readyCost < (this.slots * readyAheadMs) / 2 && this.bufferedBytes < budgetBytes
  }

  /** Takes up to `most` jobs of the tenant to be served next, all with the same name, and charges their estimated cost. */
  take(most: number): { jobs: ReadyJob[]; charged: number } {
    const first = this.scheduler.peek()!
    const tenant = this.#tenants.get(first.name)!
    const name = first.item.record[1]
    const jobs: ReadyJob[] = []
    for (;;) {
      const next = this.scheduler.peek()
      if (!next || next.name !== first.name || next.item.record[1] !== name || jobs.length === most) break
      jobs.push(next.item)
      // The whole batch is one quantum: charged with its first job, so that the tenant stays first until it is taken.
      this.scheduler.serve(0)
      if (!this.scheduler.hasWork(first.name)) break
    }
    const charged = tenant.cost * jobs.length
    this.scheduler.correct(first.name, charged)
    this.tag += charged / this.weight
    this.running++
    tenant.calls++
    if (tenant.calls >= this.#slotsPerTenant && this.#slotsPerTenant < this.slots)
      this.scheduler.park(first.name)
    return { jobs, charged }
  }

  /** Learns the true cost of a call. Returns what the store should be told, if anything. */
  learn(tenantName: string, jobs: number, charged: number, serviceMs: number) {
    const tenant = this.#tenants.get(tenantName)
    if (!tenant) return undefined
    const difference = serviceMs - charged
    this.scheduler.correct(tenantName, difference)
    this.tag += difference / this.weight
    tenant.cost += newest * (serviceMs / jobs - tenant.cost)
    this.#averageCost = Math.max(0.001, this.#averageCost + newest * (serviceMs / jobs - this.#averageCost))
    tenant.untold += difference
    if (Math.abs(tenant.untold) < tellFromMs) return undefined
    const told = { cost: tenant.cost, difference: tenant.untold }
    tenant.untold = 0
    return told
  }

  /** A call taken with {@link take} is over. */
  ended(tenantName: string, jobs: number): void {
    this.running--
    const tenant = this.#tenants.get(tenantName)
    if (tenant) tenant.calls--
    this.scheduler.unpark(tenantName)
    this.release(tenantName, jobs)
  }

  /** Jobs of a tenant left memory. */
  release(tenantName: string, jobs: number): void {
    const tenant = this.#tenants.get(tenantName)
    if (!tenant) return
    tenant.jobs -= jobs
    if (tenant.jobs <= 0) this.#tenants.delete(tenantName)
  }

  drain(): ReadyJob[] {
    return this.scheduler.drain()
  }

  #tenant(name: string, cost: number): TenantState {
    let tenant = this.#tenants.get(name)
    if (!tenant) {
      tenant = { cost: Math.max(0.001, cost), jobs: 0, calls: 0, untold: 0 }
      this.#tenants.set(name, tenant)
    }
    return tenant
  }
}

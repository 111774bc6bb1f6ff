import type { LaneConfig } from '../../api/types.ts'
import { maxTimerMs } from '../../common/signal.ts'
import { type JobRecord, nameOf } from '../../pages/job-record.ts'
import type { ClaimedPage } from '../../stores/store.ts'
import { CostEstimate } from './costs.ts'
import { FairScheduler } from './fair-scheduler.ts'
import { LaneTenant } from './lane-tenant.ts'
import type { HeldPage, ReadyJob, Taken } from './ready-job.ts'
import { Refill } from './refill.ts'
import { TenantQueue } from './tenant-queue.ts'

/** Jobs that take longer leave an eighth of the slots free, so that short ones never wait for long ones to end. */
const shortMs = 100
/** A tenant with a rate starts at most this much of it at once. */
const paceSliceMs = 100
/** However long its call was: what yields is slowed, never stopped. */
const maxRestMs = 2_000

export interface LaneHost {
  now: () => number
  /** A tenant that had to wait for a time may be served again. */
  onOpen: () => void
  /** What calls that wait for somebody else say of who may start. */
  waiting: {
    /** Whether jobs of the name may start, as far as waiting calls go. */
    mayStart(tenant: LaneTenant, name: string): boolean
    /** More of the tenant would only wait. */
    isFull(tenant: LaneTenant): boolean
  }
}

/** One lane of one worker: the jobs in memory, in fair order, and what to claim next. */
export class Lane {
  readonly name: string
  readonly weight: number
  /** Slots that only this lane may use. */
  readonly reservedSlots: number
  readonly slots: number
  readonly #slotsPerTenant: number
  /** Slots that long jobs of a tenant that has something running already leave free. */
  readonly #room: number
  readonly #yields: LaneConfig['yields']
  /** Of the time, how much tenants that yield leave to others. */
  restShare = 0
  readonly #now: () => number
  readonly #onOpen: () => void
  readonly #waiting: LaneHost['waiting']
  readonly scheduler = new FairScheduler<ReadyJob>(() => new TenantQueue<ReadyJob>())
  /** Virtual time among lanes. */
  tag = 0
  running = 0
  bufferedBytes = 0
  readonly #tenants = new Map<string, LaneTenant>()
  /** Of all tenants with jobs in memory. */
  #weights = 0
  readonly #passedOver = new Set<LaneTenant>()
  /** Something changed since all that are passed over were looked at together. */
  #mayHaveRoom = false
  readonly #openTimers = new Set<NodeJS.Timeout>()
  /** Until when tenants are closed: a claim under way may bring more of one that has left memory. */
  readonly #closedUntil = new Map<string, number>()
  readonly #averageCost = new CostEstimate(1, true)
  /** What to ask the store for. */
  readonly refill: Refill

  constructor(
    name: string,
    { weight = 1, reserved = 0, slots, spare = 0, yields }: LaneConfig,
    concurrency: number,
    { now, onOpen, waiting }: LaneHost,
  ) {
    this.name = name
    this.weight = weight
    this.slots = Math.min(slots ?? concurrency, concurrency)
    this.#slotsPerTenant = Math.max(1, this.slots - spare)
    this.#room = Math.floor(this.slots / 8)
    this.#yields = yields
    this.reservedSlots = Math.min(this.slots, Math.ceil(reserved * concurrency))
    this.#now = now
    this.#onOpen = onOpen
    this.#waiting = waiting
    this.refill = new Refill(this)
  }

  // --- claiming

  get readyMs(): number {
    return this.scheduler.size * this.averageCostMs
  }

  get averageCostMs(): number {
    return this.#averageCost.ms
  }

  get tenantNames(): string[] {
    return [...this.#tenants.keys()]
  }

  get saturatedTenants(): string[] {
    return [...this.#tenants.values()]
      .filter((tenant) => tenant.isLimited || this.#waiting.isFull(tenant))
      .map((tenant) => tenant.name)
  }

  /** Takes claimed jobs into memory. `records` are in the order of the body; finished positions are left out here. */
  admit(pages: { claimed: ClaimedPage; held: HeldPage; records: JobRecord[] }[]): void {
    const heads = new Set<string>()
    for (const { claimed, held, records } of pages) {
      heads.add(claimed.tenant)
      const tenant = this.#tenant(claimed)
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
      this.#updateParking(tenant)
      // Of a page whose jobs were all cancelled nothing stays: a tenant kept in memory might not be asked for again.
      this.release(claimed.tenant, 0)
    }
    this.refill.claimed(heads.size)
    this.reconsider()
  }

  // --- serving

  /** A job waits that may be started, as far as this lane's own limits go. */
  get canStart(): boolean {
    if (this.running >= this.slots) return false
    if (this.#findNext()) return true
    if (!this.#mayHaveRoom || this.#passedOver.size === 0) return false
    // Those they were passed over for are served: they may have what is left.
    this.reconsider()
    this.#mayHaveRoom = false
    return this.#findNext()
  }

  /** Takes up to `most` jobs of the tenant to be served next, all with the same name, and charges their estimated cost. */
  take(most: (name: string) => number): Taken {
    const { name: tenantName, item } = this.scheduler.peek()!
    const tenant = this.#tenants.get(tenantName)!
    const name = nameOf(item.record)
    const limit = tenant.perSecond
      ? Math.min(most(name), Math.max(1, Math.ceil((tenant.perSecond * paceSliceMs) / 1_000)))
      : most(name)
    const jobs: ReadyJob[] = []
    for (;;) {
      const next = this.scheduler.peek()
      if (!next || next.name !== tenantName || nameOf(next.item.record) !== name || jobs.length === limit)
        break
      jobs.push(next.item)
      // The whole batch is one quantum: charged with its first job, so that the tenant stays first until it is taken.
      this.scheduler.serve(0)
      if (!this.scheduler.hasWork(tenantName)) break
    }
    const charged = tenant.costOf(name).ms * jobs.length
    this.running++
    this.#mayHaveRoom = true
    tenant.calls++
    const taken = { name, tenant, jobs, charged: 0 }
    this.charge(taken, charged)
    if (tenant.perSecond)
      tenant.openAt = Math.max(this.#now(), tenant.openAt) + (jobs.length / tenant.perSecond) * 1_000
    this.#updateParking(tenant)
    return taken
  }

  /** A call costs `ms` more than it was charged so far (or less). */
  charge(taken: Taken, ms: number): void {
    this.scheduler.correct(taken.tenant.name, ms)
    this.tag += ms / this.weight
    taken.charged += ms
  }

  /** A call goes on for longer than it was charged: it keeps paying, also towards the store. */
  chargeMore(taken: Taken, elapsedMs: number) {
    const more = elapsedMs - taken.charged
    if (more <= 0) return undefined
    const perJob = elapsedMs / taken.jobs.length
    taken.tenant.costOf(taken.name).raiseTo(perJob)
    taken.tenant.cost.raiseTo(perJob)
    this.charge(taken, more)
    return taken.tenant.costToReport(more)
  }

  /** A call waits for somebody else, after `slotMs` in its slot: that is what it costs so far. */
  freeSlot(taken: Taken, slotMs: number): void {
    this.charge(taken, slotMs - taken.charged)
    this.running--
    taken.tenant.waiting++
    this.#updateParking(taken.tenant)
    this.reconsider()
  }

  /** It works again, in a slot, whether or not one is free. */
  retakeSlot({ tenant }: Taken): void {
    this.running++
    tenant.waiting--
    this.#updateParking(tenant)
  }

  /** A call taken with {@link take} is over. Returns what the store should be told of its cost, if anything. */
  ended(taken: Taken, serviceMs: number) {
    const { name, tenant, jobs, charged } = taken
    const perJob = serviceMs / jobs.length
    this.charge(taken, serviceMs - charged)
    tenant.costOf(name).learn(perJob)
    tenant.cost.learn(perJob)
    this.#averageCost.learn(perJob)
    const correction = tenant.costToReport(serviceMs - charged)
    this.running--
    tenant.calls--
    for (const { page } of jobs) if (page.key !== undefined) this.freeKey(tenant.name, page.key)
    this.release(tenant.name, jobs.length)
    this.#rest(tenant, serviceMs)
    this.#updateParking(tenant)
    this.reconsider()
    return correction
  }

  // --- limits of a tenant

  /** Nothing of the tenant starts before `until`, epoch ms. */
  closeTenant(tenantName: string, until: number): void {
    for (const [name, end] of this.#closedUntil) if (end <= this.#now()) this.#closedUntil.delete(name)
    this.#closedUntil.set(tenantName, until)
    const tenant = this.#tenants.get(tenantName)
    if (!tenant) return
    tenant.openAt = Math.max(tenant.openAt, until)
    this.#updateParking(tenant)
  }

  /** After a call of `serviceMs` a tenant that yields leaves the machine to others for its part of the time. */
  #rest(tenant: LaneTenant, serviceMs: number): void {
    if (this.restShare === 0 || !this.#yields || (this.#yields === 'backlog' && tenant.jobs === 0)) return
    const restMs = Math.min(maxRestMs, (serviceMs * this.restShare) / (1 - this.restShare))
    // One that has left memory is remembered; of the others there may be thousands.
    if (tenant.jobs === 0) this.closeTenant(tenant.name, this.#now() + restMs)
    else tenant.openAt = Math.max(tenant.openAt, this.#now() + restMs)
  }

  /** Brings the tenant in or out of the order of service, as its limits say. */
  #updateParking(tenant: LaneTenant): void {
    if (this.#tenants.get(tenant.name) !== tenant) return
    const waitMs = tenant.openAt === 0 ? 0 : tenant.openAt - this.#now()
    const full =
      tenant.calls >= tenant.grant || (tenant.slots >= this.#slotsPerTenant && tenant.slots < this.slots)
    if (waitMs > 0 || full || tenant.passedOver) {
      if (waitMs > 0) this.#openLater(tenant, waitMs)
      this.scheduler.park(tenant.name)
      tenant.parked = true
    } else if (tenant.parked) {
      this.scheduler.unpark(tenant.name)
      tenant.parked = false
    }
  }

  #openLater(tenant: LaneTenant, waitMs: number): void {
    const timer = setTimeout(
      () => {
        this.#openTimers.delete(timer)
        this.#updateParking(tenant)
        this.#onOpen()
      },
      Math.min(maxTimerMs, Math.ceil(waitMs)),
    )
    this.#openTimers.add(timer)
  }

  /** Sees that the tenant to be served next may be served; passes over those that may not for now. */
  #findNext(): boolean {
    let capped: LaneTenant | undefined
    for (let next = this.scheduler.peek(); next; next = this.scheduler.peek()) {
      const tenant = this.#tenants.get(next.name)!
      const name = nameOf(next.item.record)
      const mustWait = !this.#waiting.mayStart(tenant, name) || this.#mustLeaveRoom(tenant, name)
      // The cap keeps wrong estimates from filling all slots. It binds only when others wait.
      if (!mustWait && (tenant.slots < this.#fairCap(tenant) || this.#servesAlone)) return true
      if (!mustWait) capped ??= tenant
      tenant.passedOver = true
      this.#passedOver.add(tenant)
      this.#updateParking(tenant)
    }
    if (!capped) return false
    capped.passedOver = false
    this.#passedOver.delete(capped)
    this.#updateParking(capped)
    return this.scheduler.active > 0
  }

  get #servesAlone(): boolean {
    return this.scheduler.active + this.#passedOver.size === 1
  }

  /** Twice its share of the slots, at least one. */
  #fairCap(tenant: LaneTenant): number {
    return Math.max(1, Math.ceil((2 * this.slots * tenant.weight) / this.#weights))
  }

  /** Long jobs, and those of unknown length, leave some slots to others, unless nothing else of their tenant runs. */
  #mustLeaveRoom(tenant: LaneTenant, jobName: string): boolean {
    if (tenant.slots === 0 || this.running < this.slots - this.#room) return false
    const cost = tenant.costOf(jobName)
    return !cost.known || cost.ms > shortMs
  }

  /** Something changed: those that were passed over are looked at again. */
  reconsider(): void {
    this.#mayHaveRoom = true
    if (this.#passedOver.size === 0) return
    for (const tenant of this.#passedOver) {
      tenant.passedOver = false
      this.#updateParking(tenant)
    }
    this.#passedOver.clear()
  }

  // --- leaving memory

  /** The job of the key that ran has ended: the next one may run. */
  freeKey(tenantName: string, key: string): void {
    this.scheduler.refresh(tenantName, (waiting) => (waiting as TenantQueue<ReadyJob>).free(key))
  }

  /** Takes out the jobs that wait behind a job with the key. */
  takeBehind(tenantName: string, key: string): ReadyJob[] {
    const jobs = this.scheduler.takeOut(tenantName, (waiting) =>
      (waiting as TenantQueue<ReadyJob>).drainKey(key),
    )
    this.release(tenantName, jobs.length)
    return jobs
  }

  /** Takes out all waiting jobs that `isWanted` does not want. */
  removeUnless(isWanted: (job: ReadyJob) => boolean): ReadyJob[] {
    const out: ReadyJob[] = []
    for (const { name } of [...this.#tenants.values()]) {
      const jobs = this.scheduler.takeOut(name, (waiting) =>
        (waiting as TenantQueue<ReadyJob>).removeUnless(isWanted),
      )
      this.release(name, jobs.length)
      for (const job of jobs) out.push(job)
    }
    this.reconsider()
    return out
  }

  /** Takes out what of a tenant the slots will not come to within `aheadMs`, at `costMs` a job. What has a place in an order stays. */
  takeSurplus(tenant: LaneTenant, costMs: number, aheadMs: number): ReadyJob[] {
    const most = Math.max(1, Math.floor((this.slots * aheadMs) / costMs))
    if (tenant.jobs <= most) return []
    let kept = 0
    const jobs = this.scheduler.takeOut(tenant.name, (waiting) =>
      (waiting as TenantQueue<ReadyJob>).removeUnless(
        ({ page }) => page.key !== undefined || page.priority > 0 || kept++ < most,
      ),
    )
    this.release(tenant.name, jobs.length)
    return jobs
  }

  /** Jobs of a tenant left memory. */
  release(tenantName: string, jobs: number): void {
    const tenant = this.#tenants.get(tenantName)
    if (!tenant) return
    tenant.jobs -= jobs
    if (tenant.jobs > 0) return
    this.#tenants.delete(tenantName)
    this.#weights -= tenant.weight
    this.#passedOver.delete(tenant)
    // When it comes back, nothing remembers that it had been taken out of the order.
    this.scheduler.unpark(tenantName)
  }

  /** Nothing is called any more. */
  stop(): void {
    for (const timer of this.#openTimers) clearTimeout(timer)
  }

  #tenant(page: ClaimedPage): LaneTenant {
    let tenant = this.#tenants.get(page.tenant)
    if (!tenant) {
      tenant = new LaneTenant(page)
      tenant.openAt = Math.max(tenant.openAt, this.#closedUntil.get(page.tenant) ?? 0)
      this.#tenants.set(page.tenant, tenant)
    } else {
      this.#weights -= tenant.weight
      tenant.learnControls(page)
    }
    this.#weights += tenant.weight
    return tenant
  }
}

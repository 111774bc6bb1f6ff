import { Discard } from '../api/errors.ts'
import {
  handlersOption,
  lanesOption,
  leaseOption,
  numberOption,
  retryOption,
  timeoutOption,
} from '../api/options.ts'
import type { Handlers } from '../api/queue.ts'
import type { CallReport, Json, WorkerOptions } from '../api/types.ts'
import { defaultRetry } from '../common/backoff.ts'
import type { ByteAccount } from '../common/byte-ledger.ts'
import { Signal } from '../common/signal.ts'
import { attemptsOf, deadlineOf, idOf } from '../pages/job-record.ts'
import type { Store } from '../stores/store.ts'
import { ClaimLoops } from './claim-loops.ts'
import { beginCall, type Call, type CallEvents, callHandler, reportOf, toJob } from './handler-call.ts'
import { Cancelled, JobEnds } from './job-ends.ts'
import { Lane } from './lanes/lane.ts'
import { LaneOrder } from './lanes/lane-order.ts'
import type { LaneTenant } from './lanes/lane-tenant.ts'
import type { ReadyJob } from './lanes/ready-job.ts'
import { maxPageMs, PageClaimer } from './page-claimer.ts'
import { Payloads } from './payloads.ts'
import { ProgressNotes } from './progress-notes.ts'
import type { Settler } from './settler.ts'
import { type WaitingCall, WaitingCalls } from './waiting-calls.ts'
import { WorkerEventEmitter } from './worker-event-emitter.ts'

/** Handlers that end at once would never let timers and sockets run: after this long the event loop has its turn. */
const dispatchSliceMs = 5
/** The part of the time that lanes which yield rest at most: their work goes on, however busy the machine is. */
const mostRest = 0.95
/** Of one claim. */
const fewJobs = 1_000
export const defaultLeaseMs = 10_000

/** What a worker needs of the queue it belongs to. */
export interface WorkerHost {
  store: Store
  prefetch: ByteAccount
  payloads: ByteAccount
  /** Of pages whose calls wait for somebody else. */
  waiting: ByteAccount
  /** Jobs were stored to run again at `dueAt`. */
  onScheduled: (dueAt: number) => void
  /** Remembers what became of calls, for {@link WorkerHost.report}. */
  record: (call: CallReport) => void
  /** What the queue tells the store of this process with each heartbeat. */
  report: () => Json
}

/**
 * Claims pages, keeps their jobs in fair order in memory, hands them to handlers, and settles them.
 *
 * Loops meet in the lanes' buffers: {@link ClaimLoops} fill them as long as there is room, `#dispatch` empties them as long as
 * there are free slots.
 */
export class QueueWorker extends WorkerEventEmitter {
  readonly #host: WorkerHost
  readonly #store: Store
  readonly #handlers: Map<string, Handlers[string]>
  readonly #leaseMs: number
  readonly #timeoutMs: number
  readonly #ends: JobEnds
  readonly #observe: WorkerOptions['observe']
  readonly #lanes: Lane[]
  readonly #laneByName: Map<string, Lane>
  readonly #laneOrder: LaneOrder
  /** Calls under way. Those of them in {@link #waiting} hold no slot. */
  readonly #running = new Set<Call>()
  readonly #waiting: WaitingCalls
  readonly #idle = new Signal()
  readonly #tick: NodeJS.Timeout
  readonly #progress: ProgressNotes
  readonly #callEvents: CallEvents
  #dispatching = false
  #closing = false
  readonly #payloads: Payloads
  readonly #claims: ClaimLoops

  constructor(host: WorkerHost, handlers: Handlers, options: WorkerOptions) {
    super()
    this.#host = host
    this.#store = host.store
    this.#handlers = handlersOption(handlers)
    const concurrency = numberOption('concurrency', options.concurrency, 16, { least: 1, most: 100_000 })
    this.#leaseMs = leaseOption(options.leaseMs, defaultLeaseMs)
    this.#timeoutMs = timeoutOption('timeoutMs', options.timeoutMs, 300_000)
    this.#observe = options.observe
    const now = () => host.store.now()
    this.#ends = new JobEnds(retryOption(options.retry, defaultRetry), now)
    const names = lanesOption(options.lanes)
    this.#waiting = new WaitingCalls(options, {
      bytes: host.waiting,
      prefetch: host.prefetch,
      payloads: host.payloads,
      onSlotFreed: (call) => this.#slotFreed(call),
      onSlotRetaken: ({ lane }, wasFull) => this.#slotRetaken(lane, wasFull),
    })
    const laneHost = { now, onOpen: () => this.#dispatch(), waiting: this.#waiting }
    this.#lanes = names.map(([name, config]) => new Lane(name, config, concurrency, laneHost))
    this.#laneByName = new Map(this.#lanes.map((lane) => [lane.name, lane]))
    this.#laneOrder = new LaneOrder(this.#lanes, concurrency)
    this.#payloads = new Payloads(host.store, host.payloads)
    this.#progress = new ProgressNotes(host.store, (error) => this.emitError(error))
    this.#callEvents = {
      progress: (_call, job, value) => this.#progress.note(job, value),
      rateLimited: (call, ms) => this.#rateLimit(call, ms),
      waits: (call) => this.#waiting.begin(call),
      works: (call) => this.#waiting.end(call),
    }
    const shortest = Math.min(...[...this.#handlers.keys(), ''].map((name) => this.#timeoutOf(name)))
    this.#tick = setInterval(() => this.#checkRunning(), Math.min(1_000, shortest / 4))
    this.#claims = new ClaimLoops({
      ...host,
      leaseMs: this.#leaseMs,
      pages: new PageClaimer(host.store, this.#ends),
      lanes: this.#lanes,
      onClaimed: (jobs) => this.#claimed(jobs),
      onSettled: (pages) => this.#forget(pages),
      onError: (error) => this.emitError(error),
      onLeasesLost: (leases) => this.#dropLost((page) => leases.has(page.lease)),
      onLost: () => this.#sessionLost(),
    })
  }

  /** New work may be there. */
  wake(): void {
    for (const lane of this.#lanes) lane.refill.wake()
    this.#claims.wake()
  }

  /** Handler calls that wait for somebody else. */
  get waiting(): WaitingCall[] {
    return this.#waiting.report()
  }

  standBack(share: number): void {
    const restShare = Math.min(mostRest, Math.max(0, share)) || 0
    for (const lane of this.#lanes) lane.restShare = restShare
  }

  async close({ graceMs = 10_000 }: { graceMs?: number } = {}): Promise<void> {
    this.#closing = true
    await this.#claims.stop()
    const giveUpAt = performance.now() + graceMs
    while (this.#running.size > 0 && performance.now() < giveUpAt)
      await this.#idle.wait(giveUpAt - performance.now())
    for (const call of [...this.#running])
      this.#endCall(call, new Error('the worker shut down before the job ended'))
    clearInterval(this.#tick)
    for (const lane of this.#lanes) {
      lane.stop()
      this.#release(lane.removeUnless(() => false))
    }
    await this.#progress.flush()
    await this.#settler?.flush()
    await this.#claims.session?.close()
    this.#host.prefetch.close()
    this.#host.payloads.close()
    this.#host.waiting.close()
  }

  // --- claimed pages

  get #settler(): Settler | undefined {
    return this.#claims.session?.settler
  }

  /**
   * Of small pages the next claim, if one is wanted, is sent first: the store works on it meanwhile. Of large ones enough is
   * here, and claiming on would only fill the memory.
   */
  #claimed(jobs: number): void {
    if (jobs < fewJobs) setImmediate(() => this.#dispatch())
    else this.#dispatch()
  }

  #sessionLost(): void {
    this.#dropLost(() => true)
    // Pages that wait in the old session's settler will never be reported as settled.
    for (const lane of this.#lanes) {
      this.#host.prefetch.note(-lane.bufferedBytes)
      lane.bufferedBytes = 0
    }
    this.wake()
  }

  /** Jobs that were not started go back to the store. */
  #release(jobs: ReadyJob[]): void {
    if (this.#settler) this.#ends.release(this.#settler, jobs)
  }

  /** Pages left this worker's hands: their bytes are free again. */
  #forget(pages: ReadyJob['page'][]): void {
    for (const page of pages) {
      this.#laneByName.get(page.lane)!.bufferedBytes -= page.bytes
      this.#host.prefetch.note(-page.bytes)
    }
    this.#claims.wake()
  }

  /** Work that now belongs to others: waiting jobs are dropped, running handlers are told to stop. */
  #dropLost(isLost: (page: ReadyJob['page']) => boolean): void {
    const lostPages = new Set<ReadyJob['page']>()
    const drop = ({ page }: ReadyJob) => {
      page.lost = true
      lostPages.add(page)
    }
    for (const lane of this.#lanes)
      for (const job of lane.removeUnless(({ page }) => !isLost(page))) drop(job)
    for (const call of [...this.#running])
      if (call.jobs.some((ready) => isLost(ready.page))) {
        for (const ready of call.jobs) if (isLost(ready.page)) drop(ready)
        this.#endCall(call, new Error('the lease was lost'))
      }
    if (lostPages.size > 0) this.emitStalled(lostPages.size)
    this.#forget([...lostPages])
  }

  // --- dispatching

  #dispatch(): void {
    if (this.#dispatching) return
    this.#dispatching = true
    let now = performance.now()
    const sliceEnd = now + dispatchSliceMs
    for (;;) {
      const lane = this.#closing ? undefined : this.#laneOrder.next(this.#running.size - this.#waiting.size)
      if (!lane) break
      this.#start(lane, now)
      // The end of one call is the start of the next: asking for the time is a part of what a small job costs.
      now = performance.now()
      if (now > sliceEnd) {
        setImmediate(() => {
          this.#dispatching = false
          this.#dispatch()
        })
        return
      }
    }
    this.#dispatching = false
    this.#claims.wakeIfWanted()
  }

  #start(lane: Lane, now: number): void {
    const taken = lane.take((name) => {
      const handler = this.#handlers.get(name)
      return typeof handler === 'object' ? (handler.maxBatch ?? 500) : 1
    })
    const call = beginCall(taken, lane, now, this.#store.now())
    this.#running.add(call)
    let alive = call.jobs.length
    for (const [index, { record }] of call.jobs.entries()) {
      const deadline = deadlineOf(record)
      if (deadline === undefined || deadline > call.startedTime) continue
      call.ends[index] = new Discard('its deadline passed before it could run')
      alive--
    }
    if (alive === 0) this.#endCall(call, undefined)
    else if (this.#payloads.isNeeded(call)) void this.#runWithPayloads(call)
    else this.#run(call, undefined)
  }

  #run(call: Call, payloads: Map<string, Json> | undefined): void {
    callHandler(this.#handlers.get(call.name), call, payloads, this.#callEvents, (error) =>
      this.#endCall(call, error),
    )
  }

  async #runWithPayloads(call: Call): Promise<void> {
    try {
      const payloads = await this.#payloads.load(call)
      if (payloads) this.#run(call, payloads)
    } catch (error) {
      this.#endCall(call, error)
    }
  }

  #endCall(call: Call, error: unknown): void {
    if (call.over) return
    call.over = true
    this.#running.delete(call)
    const { lane, tenant, jobs } = call
    const now = performance.now()
    const serviceMs = this.#waiting.slotMs(call, now)
    this.#waiting.end(call)
    this.#payloads.release(call)
    if (error !== undefined) call.controller?.abort(error)
    const settler = this.#settler
    const counts = { completed: 0, snoozed: 0, retried: 0, dead: 0, cancelled: 0 }
    for (const [index, ready] of jobs.entries()) {
      const end = call.ends[index] ?? error
      if (ready.page.lost || !settler) continue
      const outcome = this.#ends.settle(settler, lane, ready, end)
      counts[outcome]++
      const id = idOf(ready.record)
      if (this.#progress.forget(id)) settler.dropProgress(id)
      const event = outcome === 'completed' && attemptsOf(ready.record) > 0 ? 'recovered' : outcome
      if (this.hasListener(event)) this.emitOutcome(event, toJob(ready), end, this.#ends.retryAt)
    }
    const correction = lane.ended(call, serviceMs)
    if (correction && settler) settler.correct(lane.name, tenant.name, correction.cost, correction.difference)
    const report = reportOf(call, counts, serviceMs, now)
    this.#host.record(report)
    this.#callObserver(report)
    if (this.#closing) this.#idle.raise()
    else this.#dispatch()
  }

  /** A fault of the observer is no fault of the job, and ends no process. */
  #callObserver(report: CallReport): void {
    try {
      this.#observe?.(report)
    } catch (error) {
      this.emitError(error)
    }
  }

  // --- what happens to running and waiting jobs from outside

  /** Marks that others set: waiting jobs are dropped, running ones told to stop. */
  async dropCancelled(): Promise<void> {
    const marks = await this.#store.cancelled()
    const cancelled = new Set(marks.map(({ lane, tenant, id }) => `${lane}\u0000${tenant}\u0000${id}`))
    if (cancelled.size === 0) return
    const isCancelled = ({ page, record }: ReadyJob) =>
      cancelled.has(`${page.lane}\u0000${page.tenant}\u0000${idOf(record)}`)
    const settler = this.#settler
    for (const lane of this.#lanes)
      for (const job of lane.removeUnless((waiting) => !isCancelled(waiting)))
        if (settler && !job.page.lost) this.#ends.settle(settler, lane, job, new Cancelled())
    for (const call of [...this.#running])
      if (call.jobs.length === 1 && isCancelled(call.jobs[0]!)) this.#endCall(call, new Cancelled())
  }

  /** A handler says that its tenant's provider wants a pause. */
  #rateLimit({ lane, tenant }: Call, ms: number): void {
    const until = this.#store.now() + ms
    lane.closeTenant(tenant.name, until)
    this.#settler?.close(lane.name, tenant.name, until)
    if (ms < this.#leaseMs) return
    // Not kept here for that long: others could not even see that they wait.
    this.#giveBack(lane, tenant.name)
  }

  /** Waiting jobs of a tenant go back to the store; those of a key keep their place in the order. */
  #giveBack(lane: Lane, tenantName: string): void {
    const waiting = lane.removeUnless(({ page }) => page.tenant !== tenantName || page.key !== undefined)
    this.#release(waiting)
  }

  /** A call waits for somebody else. What more there is of a tenant of which enough waits is not kept here meanwhile. */
  #slotFreed({ lane, tenant }: Call): void {
    if (this.#waiting.isFull(tenant)) this.#giveBack(lane, tenant.name)
    if (!this.#closing) this.#dispatch()
  }

  /** Fewer calls wait for somebody else: in any lane somebody may be served because of it. What was given back is claimed again. */
  #slotRetaken(of: Lane, wasFull: boolean): void {
    for (const lane of this.#lanes) lane.reconsider()
    if (!wasFull) return
    of.refill.wake()
    this.#claims.wake()
  }

  #timeoutOf(name: string): number {
    const handler = this.#handlers.get(name)
    return (typeof handler === 'object' ? handler.timeoutMs : undefined) ?? this.#timeoutMs
  }

  /** Calls that take too long are ended; the others pay for the time they have taken so far. */
  #checkRunning(): void {
    const now = performance.now()
    const costs = new Map<LaneTenant, { lane: Lane; costMs: number }>()
    for (const call of [...this.#running]) {
      const timeoutMs = this.#timeoutOf(call.name)
      if (now - call.startedAt > timeoutMs) {
        this.#endCall(call, new Error(`the handler took longer than ${timeoutMs} ms`))
        continue
      }
      if (this.#waiting.isWaiting(call)) continue
      const elapsed = this.#waiting.slotMs(call, now)
      const { lane, tenant } = call
      const costMs = Math.max(costs.get(tenant)?.costMs ?? tenant.cost.ms, elapsed / call.jobs.length)
      costs.set(tenant, { lane, costMs })
      const correction = call.lane.chargeMore(call, elapsed)
      if (correction)
        this.#settler?.correct(call.lane.name, call.tenant.name, correction.cost, correction.difference)
    }
    // Nobody knew how long these jobs take when they were claimed, a page at a time: others may help with what is too much.
    for (const [tenant, { lane, costMs }] of costs) {
      const surplus = lane.takeSurplus(tenant, costMs, maxPageMs)
      this.#release(surplus)
    }
    void this.#settler?.flush()
    void this.#progress.flush()
  }
}

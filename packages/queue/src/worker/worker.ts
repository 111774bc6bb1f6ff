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
import { pause, Signal } from '../common/signal.ts'
import type { Store } from '../stores/store.ts'
import { type Call, type CallEvents, callHandler, toJob } from './handler-call.ts'
import { Cancelled, JobEnds } from './job-ends.ts'
import { Lane } from './lanes/lane.ts'
import { LaneOrder } from './lanes/lane-order.ts'
import type { LaneTenant } from './lanes/lane-tenant.ts'
import type { ReadyJob } from './lanes/ready-job.ts'
import { maxPageMs, PageIntake } from './page-claimer.ts'
import { ProgressNotes } from './progress-notes.ts'
import { type WaitingCall, WaitingCalls } from './waiting-calls.ts'
import { WorkerEventEmitter } from './worker-event-emitter.ts'
import { WorkerSession } from './worker-session.ts'

/** Handlers that end at once would never let timers and sockets run: after this long the event loop has its turn. */
const dispatchSliceMs = 5
/**
 * When nothing is found the store is asked again after 10, 20, 40 … ms, up to this: a head may have been locked for a moment
 * by a producer's commit. With LISTEN at work the longest wait only bounds what a lost notification costs.
 */
const maxPollMs = 500
const minPollMs = 10
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
 * Loops meet in the lanes' buffers: claim loops fill them as long as there is room, `#dispatch` empties them as long as there
 * are free slots. Lanes with reserved slots have a claim loop of their own: theirs must not wait for a large claim of others.
 */
export class QueueWorker extends WorkerEventEmitter {
  readonly #host: WorkerHost
  readonly #store: Store
  readonly #handlers: Map<string, Handlers[string]>
  readonly #concurrency: number
  readonly #laneBudget: number
  readonly #leaseMs: number
  readonly #timeoutMs: number
  readonly #ends: JobEnds
  readonly #observe: WorkerOptions['observe']
  readonly #lanes: Lane[]
  readonly #laneByName: Map<string, Lane>
  readonly #laneOrder: LaneOrder
  readonly #pages: PageIntake
  /** Calls under way. Those of them in {@link #waiting} hold no slot. */
  readonly #running = new Set<Call>()
  readonly #waiting: WaitingCalls
  /** One per claim loop. */
  readonly #wakeUps: Signal[] = []
  readonly #idle = new Signal()
  readonly #tick: NodeJS.Timeout
  readonly #progress: ProgressNotes
  readonly #callEvents: CallEvents
  #session: WorkerSession | undefined
  #opening: Promise<WorkerSession> | undefined
  #dispatching = false
  #closing = false
  readonly #claiming: Promise<unknown>

  constructor(host: WorkerHost, handlers: Handlers, options: WorkerOptions) {
    super()
    this.#host = host
    this.#store = host.store
    this.#handlers = handlersOption(handlers)
    this.#concurrency = numberOption('concurrency', options.concurrency, 16, { least: 1, most: 100_000 })
    this.#leaseMs = leaseOption(options.leaseMs, defaultLeaseMs)
    this.#timeoutMs = timeoutOption('timeoutMs', options.timeoutMs, 300_000)
    this.#observe = options.observe
    const now = () => host.store.now()
    this.#ends = new JobEnds(retryOption(options.retry, defaultRetry), now)
    const names = lanesOption(options.lanes)
    // The budget counts encoded bytes, of which a quarter is kept for newcomers (see Lane.request).
    this.#laneBudget = host.prefetch.limit / names.length / 1.25
    this.#waiting = new WaitingCalls(options, {
      bytes: host.waiting,
      prefetch: host.prefetch,
      payloads: host.payloads,
      onLeft: (call) => this.#slotLeft(call),
      onBack: ({ lane }, wasFull) => this.#slotTaken(lane, wasFull),
    })
    const laneHost = { now, onOpen: () => this.#dispatch(), waiting: this.#waiting }
    this.#lanes = names.map(([name, config]) => new Lane(name, config, this.#concurrency, laneHost))
    this.#laneByName = new Map(this.#lanes.map((lane) => [lane.name, lane]))
    this.#laneOrder = new LaneOrder(this.#lanes, this.#concurrency)
    this.#pages = new PageIntake(host.store, this.#ends)
    this.#progress = new ProgressNotes(host.store, (error) => this.tellError(error))
    this.#callEvents = {
      progress: (_call, job, value) => this.#progress.note(job, value),
      rateLimited: (call, ms) => this.#rateLimit(call, ms),
      waits: (call) => this.#waiting.begin(call),
      works: (call) => this.#waiting.end(call),
    }
    const shortest = Math.min(...[...this.#handlers.keys(), ''].map((name) => this.#timeoutOf(name)))
    this.#tick = setInterval(() => this.#lookAtRunning(), Math.min(1_000, shortest / 4))
    const groups = [true, false].map((urgent) =>
      this.#lanes.filter((lane) => lane.reservedSlots > 0 === urgent),
    )
    this.#claiming = Promise.all(
      groups.flatMap((lanes) => (lanes.length > 0 ? [this.#claimLoop(lanes)] : [])),
    )
  }

  /** New work may be there. */
  wake(): void {
    for (const lane of this.#lanes) lane.wake()
    this.#raise()
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
    this.#raise()
    await this.#claiming
    const giveUpAt = performance.now() + graceMs
    while (this.#running.size > 0 && performance.now() < giveUpAt)
      await this.#idle.wait(giveUpAt - performance.now())
    for (const call of [...this.#running])
      this.#endCall(call, new Error('the worker shut down before the job ended'))
    clearInterval(this.#tick)
    for (const lane of this.#lanes) {
      lane.stop()
      const waiting = lane.sift(() => false)
      if (this.#session) this.#ends.release(this.#session.settler, waiting)
    }
    await this.#progress.flush()
    await this.#session?.settler.flush()
    await this.#session?.close()
    this.#host.prefetch.close()
    this.#host.payloads.close()
    this.#host.waiting.close()
  }

  // --- claiming

  #raise(): void {
    for (const signal of this.#wakeUps) signal.raise()
  }

  async #claimLoop(all: Lane[]): Promise<void> {
    const wakeUp = new Signal()
    this.#wakeUps.push(wakeUp)
    let failures = 0
    let pollMs = minPollMs
    while (!this.#closing) {
      try {
        const session = await this.#openSession()
        const lanes = all.filter((lane) => lane.wants(this.#laneBudget))
        if (lanes.length > 0) await this.#claim(session, lanes)
        else if (await wakeUp.wait(pollMs)) pollMs = minPollMs
        else {
          pollMs = Math.min(maxPollMs, pollMs * 2)
          for (const lane of all) lane.wake()
        }
        failures = 0
      } catch (error) {
        // The store is away: come back a little later each time, up to two seconds.
        this.tellError(error)
        failures++
        await pause(Math.min(2_000, 50 * 2 ** failures))
        for (const lane of all) lane.wake()
      }
    }
  }

  async #claim(session: WorkerSession, lanes: Lane[]): Promise<void> {
    const requests = lanes.map((lane) => lane.request(this.#laneBudget)!)
    const answered = lanes.map((lane) => lane.asked())
    const pages = await this.#pages.claim(session, requests)
    for (const [index, lane] of lanes.entries()) {
      const own = pages.filter(({ claimed }) => claimed.lane === lane.name)
      answered[index]!(own.length)
      // A session that ended while the claim was under way: its pages will go to others.
      if (session.lost) continue
      const before = lane.bufferedBytes
      lane.admit(own)
      this.#host.prefetch.note(lane.bufferedBytes - before)
    }
    if (!session.lost) this.#pages.settleEarly(session.settler, pages, this.#laneByName)
    // Of small pages the next claim, if one is wanted, is sent first: the store works on it meanwhile. Of large ones enough is
    // here, and claiming on would only fill the memory.
    const jobs = pages.reduce((sum, { records }) => sum + records.length, 0)
    if (jobs < fewJobs) setImmediate(() => this.#dispatch())
    else this.#dispatch()
  }

  async #openSession(): Promise<WorkerSession> {
    if (this.#session && !this.#session.lost) return this.#session
    this.#opening ??= this.#startSession().finally(() => {
      this.#opening = undefined
    })
    return this.#opening
  }

  async #startSession(): Promise<WorkerSession> {
    this.#session = await WorkerSession.open(this.#store, this.#leaseMs, this.#host.report, {
      onSettled: (pages) => this.#forget(pages),
      onScheduled: this.#host.onScheduled,
      onError: (error) => this.tellError(error),
      onLeasesLost: (leases) => this.#dropLost((page) => leases.has(page.lease)),
      onLost: () => {
        this.#dropLost(() => true)
        // Pages that wait in the old session's settler will never be reported as settled.
        for (const lane of this.#lanes) {
          this.#host.prefetch.note(-lane.bufferedBytes)
          lane.bufferedBytes = 0
        }
        this.wake()
      },
    })
    return this.#session
  }

  /** Pages left this worker's hands: their bytes are free again. */
  #forget(pages: ReadyJob['page'][]): void {
    for (const page of pages) {
      this.#laneByName.get(page.lane)!.bufferedBytes -= page.bytes
      this.#host.prefetch.note(-page.bytes)
    }
    this.#raise()
  }

  /** Work that now belongs to others: waiting jobs are dropped, running handlers are told to stop. */
  #dropLost(isLost: (page: ReadyJob['page']) => boolean): void {
    const lostPages = new Set<ReadyJob['page']>()
    const drop = ({ page }: ReadyJob) => {
      page.lost = true
      lostPages.add(page)
    }
    for (const lane of this.#lanes) for (const job of lane.sift(({ page }) => !isLost(page))) drop(job)
    for (const call of [...this.#running])
      if (call.jobs.some((ready) => isLost(ready.page))) {
        for (const ready of call.jobs) if (isLost(ready.page)) drop(ready)
        this.#endCall(call, new Error('the lease was lost'))
      }
    if (lostPages.size > 0) this.tellStalled(lostPages.size)
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
    if (this.#lanes.some((lane) => lane.wants(this.#laneBudget))) this.#raise()
  }

  #start(lane: Lane, now: number): void {
    const taken = lane.take((name) => {
      const handler = this.#handlers.get(name)
      return typeof handler === 'object' ? (handler.maxBatch ?? 500) : 1
    })
    const call = taken as Call
    call.lane = lane
    call.startedAt = now
    call.atWork = 1
    call.slotMs = 0
    call.slotSince = now
    call.waitingSince = 0
    call.waitTimer = undefined
    call.startedTime = this.#store.now()
    call.ends = []
    call.controller = undefined
    call.payloadBytes = 0
    call.over = false
    this.#running.add(call)
    let alive = call.jobs.length
    for (const [index, { record }] of call.jobs.entries()) {
      const extra = record[4]
      if (extra?.d === undefined || extra.d > call.startedTime) continue
      call.ends[index] = new Discard('its deadline passed before it could run')
      alive--
    }
    if (alive === 0) this.#endCall(call, undefined)
    else if (call.jobs.some(({ record }) => record[4]?.b)) void this.#runWithPayloads(call)
    else this.#run(call, undefined)
  }

  #run(call: Call, payloads: Map<string, Json> | undefined): void {
    callHandler(this.#handlers.get(call.name), call, payloads, this.#callEvents, (error) =>
      this.#endCall(call, error),
    )
  }

  /** Payloads kept beside the pages are loaded when their turn has come, and their bytes are acquired before. */
  async #runWithPayloads(call: Call): Promise<void> {
    const extras = call.jobs.flatMap(({ record }) => (record[4]?.b ? [record[4]] : []))
    const bytes = extras.reduce((sum, extra) => sum + (extra.s ?? 0), 0)
    await this.#host.payloads.acquire(bytes)
    call.payloadBytes = bytes
    try {
      if (call.over) return this.#releasePayloads(call)
      const blobs = await this.#store.readBlobs(extras.map((extra) => extra.b!))
      if (call.over) return
      this.#run(call, new Map(blobs.map(({ id, data }) => [id, JSON.parse(data) as Json])))
    } catch (error) {
      this.#endCall(call, error)
    }
  }

  #releasePayloads(call: Call): void {
    this.#host.payloads.release(call.payloadBytes)
    call.payloadBytes = 0
  }

  #endCall(call: Call, error: unknown): void {
    if (call.over) return
    call.over = true
    this.#running.delete(call)
    const { lane, tenant, jobs } = call
    const now = performance.now()
    const serviceMs = this.#waiting.slotMs(call, now)
    this.#waiting.end(call)
    this.#releasePayloads(call)
    if (error !== undefined) call.controller?.abort(error)
    const settler = this.#session?.settler
    const counts = { completed: 0, snoozed: 0, retried: 0, dead: 0, cancelled: 0 }
    for (const [index, ready] of jobs.entries()) {
      const end = call.ends[index] ?? error
      if (ready.page.lost || !settler) continue
      const outcome = this.#ends.settle(settler, lane, ready, end)
      counts[outcome]++
      if (this.#progress.forget(ready.record[0])) settler.dropProgress(ready.record[0])
      const event = outcome === 'completed' && ready.record[3] ? 'recovered' : outcome
      if (this.isHeard(event)) this.tell(event, toJob(ready), end, this.#ends.retryAt)
    }
    const told = lane.ended(call, serviceMs)
    if (told && settler) settler.correct(lane.name, tenant.name, told.cost, told.difference)
    const report: CallReport = {
      lane: lane.name,
      tenant: tenant.name,
      name: call.name,
      jobs: jobs.length,
      dwellMs: Math.max(0, call.startedTime - jobs[0]!.page.readyAt),
      serviceMs,
      waitedMs: Math.max(0, now - call.startedAt - serviceMs),
      failed: counts.retried + counts.dead,
      ...counts,
    }
    this.#host.record(report)
    this.#tellObserver(report)
    if (this.#closing) this.#idle.raise()
    else this.#dispatch()
  }

  /** A fault of the observer is no fault of the job, and ends no process. */
  #tellObserver(report: CallReport): void {
    try {
      this.#observe?.(report)
    } catch (error) {
      this.tellError(error)
    }
  }

  // --- what happens to running and waiting jobs from outside

  /** Marks that others set: waiting jobs are dropped, running ones told to stop. */
  async dropCancelled(): Promise<void> {
    const marks = await this.#store.cancelled()
    const cancelled = new Set(marks.map(({ lane, tenant, id }) => `${lane}\u0000${tenant}\u0000${id}`))
    if (cancelled.size === 0) return
    const isCancelled = ({ page, record }: ReadyJob) =>
      cancelled.has(`${page.lane}\u0000${page.tenant}\u0000${record[0]}`)
    const settler = this.#session?.settler
    for (const lane of this.#lanes)
      for (const job of lane.sift((waiting) => !isCancelled(waiting)))
        if (settler && !job.page.lost) this.#ends.settle(settler, lane, job, new Cancelled())
    for (const call of [...this.#running])
      if (call.jobs.length === 1 && isCancelled(call.jobs[0]!)) this.#endCall(call, new Cancelled())
  }

  /** A handler says that its tenant's provider wants a pause. */
  #rateLimit({ lane, tenant }: Call, ms: number): void {
    const until = this.#store.now() + ms
    lane.close(tenant.name, until)
    this.#session?.settler.close(lane.name, tenant.name, until)
    if (ms < this.#leaseMs) return
    // Not kept here for that long: others could not even see that they wait.
    this.#giveBack(lane, tenant.name)
  }

  /** Waiting jobs of a tenant go back to the store; those of a key keep their place in the order. */
  #giveBack(lane: Lane, tenantName: string): void {
    const waiting = lane.sift(({ page }) => page.tenant !== tenantName || page.key !== undefined)
    if (this.#session) this.#ends.release(this.#session.settler, waiting)
  }

  /** A call waits for somebody else. What more there is of a tenant of which enough waits is not kept here meanwhile. */
  #slotLeft({ lane, tenant }: Call): void {
    if (this.#waiting.isFull(tenant)) this.#giveBack(lane, tenant.name)
    if (!this.#closing) this.#dispatch()
  }

  /** Fewer calls wait for somebody else: in any lane somebody may be served because of it. What was given back is claimed again. */
  #slotTaken(of: Lane, wasFull: boolean): void {
    for (const lane of this.#lanes) lane.callIn()
    if (!wasFull) return
    of.wake()
    this.#raise()
  }

  #timeoutOf(name: string): number {
    const handler = this.#handlers.get(name)
    return (typeof handler === 'object' ? handler.timeoutMs : undefined) ?? this.#timeoutMs
  }

  /** Calls that take too long are ended; the others pay for the time they have taken so far. */
  #lookAtRunning(): void {
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
      const told = call.lane.payMore(call, elapsed)
      if (told) this.#session?.settler.correct(call.lane.name, call.tenant.name, told.cost, told.difference)
    }
    // Nobody knew how long these jobs take when they were claimed, a page at a time: others may help with what is too much.
    for (const [tenant, { lane, costMs }] of costs) {
      const surplus = lane.takeSurplus(tenant, costMs, maxPageMs)
      if (this.#session) this.#ends.release(this.#session.settler, surplus)
    }
    void this.#session?.settler.flush()
    void this.#progress.flush()
  }
}

import { backoffMs, defaultRetry } from './backoff.ts'
import { Discard, Snooze } from './errors.ts'
import { type Call, callHandler } from './handler-call.ts'
import { Lane, type ReadyJob } from './lane.ts'
import { decodeBody, encodeRecord, roundDueTime } from './page.ts'
import type { Handlers, Worker } from './queue.ts'
import { pause, Signal } from './signal.ts'
import type { Store } from './store.ts'
import type { RetryPolicy, WorkerOptions } from './types.ts'
import { WorkerSession } from './worker-session.ts'

/** Handlers that end at once would never let timers and sockets run: after this long the event loop has its turn. */
const dispatchSliceMs = 5
/**
 * When nothing is found the store is asked again after 10, 20, 40 … ms, up to this: a head may have been locked for a moment
 * by a producer's commit. With LISTEN at work the longest wait only bounds what a lost notification costs.
 */
const longestPollMs = 500
const shortestPollMs = 10

/**
 * Claims pages, keeps their jobs in fair order in memory, hands them to handlers, and settles them.
 *
 * Two loops meet in the lanes' buffers: `#claimLoop` fills them as long as there is room, `#dispatch` empties them as long
 * as there are free slots.
 */
export class QueueWorker implements Worker {
  readonly #store: Store
  readonly #handlers: Handlers
  readonly #concurrency: number
  readonly #laneBudget: number
  readonly #leaseMs: number
  readonly #timeoutMs: number
  readonly #retry: Required<RetryPolicy>
  readonly #observe: WorkerOptions['observe']
  readonly #onScheduled: (dueAt: number) => void
  readonly #lanes: Lane[]
  readonly #laneByName: Map<string, Lane>
  readonly #running = new Set<Call>()
  readonly #wakeUp = new Signal()
  readonly #idle = new Signal()
  readonly #timeoutTimer: NodeJS.Timeout
  #session: WorkerSession | undefined
  #laneTime = 0
  #dispatching = false
  #closing = false
  readonly #claiming: Promise<void>

  constructor(
    store: Store,
    handlers: Handlers,
    options: WorkerOptions,
    onScheduled: (dueAt: number) => void,
  ) {
    this.#onScheduled = onScheduled
    this.#store = store
    this.#handlers = handlers
    this.#concurrency = options.concurrency ?? 16
    this.#leaseMs = options.leaseMs ?? 30_000
    this.#timeoutMs = options.timeoutMs ?? 300_000
    this.#retry = { ...defaultRetry, ...options.retry }
    this.#observe = options.observe
    const names = Object.entries(options.lanes)
    if (names.length === 0) throw new TypeError('A worker needs at least one lane')
    // The budget counts encoded bytes, of which a quarter is kept for newcomers (see Lane.request).
    this.#laneBudget = (options.prefetchBytes ?? 16 * 1024 * 1024) / names.length / 1.25
    this.#lanes = names.map(([name, config]) => new Lane(name, config, this.#concurrency))
    this.#laneByName = new Map(this.#lanes.map((lane) => [lane.name, lane]))
    this.#timeoutTimer = setInterval(() => this.#expireCalls(), Math.min(1_000, this.#timeoutMs / 4))
    this.#claiming = this.#claimLoop()
  }

  /** New work may be there. */
  wake(): void {
    for (const lane of this.#lanes) lane.wake()
    this.#wakeUp.raise()
  }

  async close({ graceMs = 10_000 }: { graceMs?: number } = {}): Promise<void> {
    this.#closing = true
    this.#wakeUp.raise()
    await this.#claiming
    const grace = setTimeout(() => this.#idle.raise(), graceMs)
    while (this.#running.size > 0) {
      const before = this.#running.size
      await this.#idle.wait(graceMs)
      if (this.#running.size === before) break
    }
    clearTimeout(grace)
    for (const call of [...this.#running])
      this.#endCall(call, new Error('the worker shut down before the job ended'))
    clearInterval(this.#timeoutTimer)
    this.#releaseBuffered()
    await this.#session?.settler.flush()
    await this.#session?.close()
  }

  // --- claiming

  async #claimLoop(): Promise<void> {
    let failures = 0
    let pollMs = shortestPollMs
    while (!this.#closing) {
      try {
        const session = await this.#openSession()
        const lanes = this.#lanes.filter((lane) => lane.wants(this.#laneBudget))
        if (lanes.length > 0) await this.#claim(session, lanes)
        else if (await this.#wakeUp.wait(pollMs)) pollMs = shortestPollMs
        else {
          pollMs = Math.min(longestPollMs, pollMs * 2)
          for (const lane of this.#lanes) lane.wake()
        }
        failures = 0
      } catch {
        // The store is away: come back a little later each time, up to two seconds.
        failures++
        await pause(Math.min(2_000, 50 * 2 ** failures))
        for (const lane of this.#lanes) lane.wake()
      }
    }
  }

  async #claim(session: WorkerSession, lanes: Lane[]): Promise<void> {
    const requests = lanes.map((lane) => lane.request(this.#laneBudget)!)
    const answered = lanes.map((lane) => lane.asked())
    const claimed = await this.#store.claim(session.id, requests)
    const byLane = new Map<string, Parameters<Lane['admit']>[0]>(lanes.map((lane) => [lane.name, []]))
    for (const page of claimed) {
      const records = decodeBody(page.body)
      const { lease, lane, tenant, seq, bytes, readyAt } = page
      const remaining = records.length - page.done.length
      const held = { lease, lane, tenant, seq, bytes, readyAt, remaining, finished: [], lost: session.lost }
      session.settler.hold(held)
      byLane.get(lane)!.push({ claimed: page, held, records })
    }
    for (const [index, lane] of lanes.entries()) {
      const pages = byLane.get(lane.name)!
      answered[index]!(pages.length)
      // A session that ended while the claim was under way: its pages will go to others.
      if (!session.lost) lane.admit(pages)
    }
    this.#dispatch()
  }

  async #openSession(): Promise<WorkerSession> {
    if (this.#session && !this.#session.lost) return this.#session
    this.#session = await WorkerSession.open(this.#store, this.#leaseMs, {
      onSettled: (pages) => this.#forget(pages as ReadyJob['page'][]),
      onScheduled: this.#onScheduled,
      onLeasesLost: (leases) => this.#dropLost((page) => leases.has(page.lease)),
      onLost: () => {
        this.#dropLost(() => true)
        // Pages that wait in the old session's settler will never be reported as settled.
        for (const lane of this.#lanes) lane.bufferedBytes = 0
        this.wake()
      },
    })
    return this.#session
  }

  /** Pages left this worker's hands: their bytes are free again. */
  #forget(pages: ReadyJob['page'][]): void {
    for (const page of pages) this.#laneByName.get(page.lane)!.bufferedBytes -= page.bytes
    this.#wakeUp.raise()
  }

  /** Work that now belongs to others: waiting jobs are dropped, running handlers are told to stop. */
  #dropLost(isLost: (page: ReadyJob['page']) => boolean): void {
    const lostPages = new Set<ReadyJob['page']>()
    const drop = (ready: ReadyJob) => {
      ready.page.lost = true
      lostPages.add(ready.page)
    }
    for (const lane of this.#lanes)
      for (const ready of lane.drain()) {
        if (!isLost(ready.page)) lane.scheduler.push(ready.page.tenant, ready)
        else {
          drop(ready)
          lane.release(ready.page.tenant, 1)
        }
      }
    for (const call of [...this.#running])
      if (call.jobs.some((ready) => isLost(ready.page))) {
        for (const ready of call.jobs) drop(ready)
        this.#endCall(call, new Error('the lease was lost'))
      }
    this.#forget([...lostPages])
  }

  #releaseBuffered(): void {
    const settler = this.#session?.settler
    for (const lane of this.#lanes)
      for (const { page, position, record } of lane.drain()) {
        if (page.lost) continue
        settler?.reschedule(page, this.#again(page, record, this.#store.now()))
        settler?.finish(page, position)
      }
  }

  // --- dispatching

  #dispatch(): void {
    if (this.#dispatching) return
    this.#dispatching = true
    const sliceEnd = performance.now() + dispatchSliceMs
    for (;;) {
      const lane = this.#closing ? undefined : this.#nextLane()
      if (!lane) break
      this.#start(lane)
      if (performance.now() > sliceEnd) {
        setImmediate(() => {
          this.#dispatching = false
          this.#dispatch()
        })
        return
      }
    }
    this.#dispatching = false
    if (this.#lanes.some((lane) => lane.wants(this.#laneBudget))) this.#wakeUp.raise()
  }

  /** The lane with work and the lowest virtual time that may have one of the free slots. */
  #nextLane(): Lane | undefined {
    const free = this.#concurrency - this.#running.size
    if (free <= 0) return undefined
    let keptForOthers = 0
    for (const lane of this.#lanes) keptForOthers += Math.max(0, lane.reservedSlots - lane.running)
    let next: Lane | undefined
    for (const lane of this.#lanes) {
      if (!lane.canStart) continue
      const kept = keptForOthers - Math.max(0, lane.reservedSlots - lane.running)
      if (free - kept <= 0) continue
      if (!next || lane.tag < next.tag) next = lane
    }
    if (next) {
      // A lane that was idle starts at the present, without credit for the past.
      next.tag = Math.max(next.tag, this.#laneTime)
      this.#laneTime = next.tag
    }
    return next
  }

  #start(lane: Lane): void {
    const name = lane.scheduler.peek()!.item.record[1]
    const handler = this.#handlers[name]
    const most = typeof handler === 'object' ? (handler.maxBatch ?? 500) : 1
    const { jobs, charged } = lane.take(most)
    const call: Call = {
      lane,
      name,
      jobs,
      charged,
      startedAt: performance.now(),
      startedTime: this.#store.now(),
      ends: [],
      controller: undefined,
      over: false,
    }
    this.#running.add(call)
    callHandler(handler, call, (error) => this.#endCall(call, error))
  }

  #endCall(call: Call, error: unknown): void {
    if (call.over) return
    call.over = true
    this.#running.delete(call)
    if (error !== undefined) call.controller?.abort(error)
    const serviceMs = performance.now() - call.startedAt
    const tenant = call.jobs[0]!.page.tenant
    const told = call.lane.learn(tenant, call.jobs.length, call.charged, serviceMs)
    const settler = this.#session?.settler
    if (told && settler) settler.correct(call.lane.name, tenant, told.cost, told.difference)
    let failed = 0
    for (const [index, ready] of call.jobs.entries()) {
      const end = call.ends[index] ?? error
      if (end !== undefined && !(end instanceof Snooze)) failed++
      if (!ready.page.lost && settler) {
        if (end !== undefined) this.#settleOtherwise(ready, end)
        settler.finish(ready.page, ready.position)
      }
    }
    call.lane.ended(tenant, call.jobs.length)
    this.#observe?.({
      lane: call.lane.name,
      tenant,
      name: call.name,
      jobs: call.jobs.length,
      dwellMs: Math.max(0, call.startedTime - call.jobs[0]!.page.readyAt),
      serviceMs,
      failed,
    })
    if (this.#closing) this.#idle.raise()
    else this.#dispatch()
  }

  /** A job that did not simply succeed: snoozed, retried, or buried. */
  #settleOtherwise({ page, record }: ReadyJob, end: unknown): void {
    const settler = this.#session!.settler
    const now = this.#store.now()
    const [id, name, data, made = 0] = record
    if (end instanceof Snooze) {
      settler.reschedule(page, this.#again(page, record, roundDueTime(now + end.delayMs, now)))
      return
    }
    const attempts = made + 1
    if (attempts >= this.#retry.maxAttempts || end instanceof Discard) {
      const reason = end instanceof Error ? end.message : String(end)
      const { lane, tenant } = page
      settler.bury(page, {
        id,
        lane,
        tenant,
        name,
        data: JSON.stringify(data),
        attempts,
        reason: reason.replaceAll('\u0000', ''),
      })
      return
    }
    const dueAt = roundDueTime(now + backoffMs(attempts, this.#retry), now)
    settler.reschedule(page, this.#again(page, [id, name, data, attempts], dueAt))
  }

  #again(page: ReadyJob['page'], record: ReadyJob['record'], dueAt: number) {
    const body = encodeRecord(record)
    return { lane: page.lane, tenant: page.tenant, jobs: 1, bytes: Buffer.byteLength(body), body, dueAt }
  }

  #expireCalls(): void {
    const limit = performance.now() - this.#timeoutMs
    for (const call of [...this.#running])
      if (call.startedAt < limit)
        this.#endCall(call, new Error(`the handler took longer than ${this.#timeoutMs} ms`))
  }
}

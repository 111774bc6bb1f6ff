import { Discard, Snooze } from '../api/errors.ts'
import { limits } from '../api/limits.ts'
import { numberOption } from '../api/options.ts'
import type { Handlers } from '../api/queue.ts'
import type { BatchContext, CallReport, Job, JobContext, Json } from '../api/types.ts'
import { attemptsOf, blobIdOf, dataOf, firstReadyOf, idOf, nameOf } from '../pages/job-record.ts'
import { type Outcome, reasonOf } from './job-ends.ts'
import type { Lane } from './lanes/lane.ts'
import type { ReadyJob, Taken } from './lanes/ready-job.ts'

/** A handler at work on one job, or on a batch of one tenant. */
export interface Call extends Taken {
  lane: Lane
  /** By the monotonic clock. */
  startedAt: number
  /** Parts of it that do not wait for somebody else. */
  atWork: number
  /** Time in a slot before `slotSince`. */
  slotMs: number
  /** Since when it holds its slot, if it does. */
  slotSince: number
  /** Since when it does not. */
  waitingSince: number
  waitTimer: NodeJS.Timeout | undefined
  /** By the store's clock. */
  startedTime: number
  /** Per job: why it did not simply succeed. Jobs that have an end before the handler starts are not handed to it. */
  ends: unknown[]
  /** Made only when the handler looks at its signal: most never do. */
  controller: AbortController | undefined
  /** Bytes of payloads that were loaded for it. */
  payloadBytes: number
  over: boolean
}

/** A call that has its slot from now on. `taken` becomes it: a call is made for every job, or batch. */
export function beginCall(taken: Taken, lane: Lane, now: number, startedTime: number): Call {
  const call = taken as Call
  call.lane = lane
  call.startedAt = now
  call.atWork = 1
  call.slotMs = 0
  call.slotSince = now
  call.waitingSince = 0
  call.waitTimer = undefined
  call.startedTime = startedTime
  call.ends = []
  call.controller = undefined
  call.payloadBytes = 0
  call.over = false
  return call
}

/** What a call can tell its worker. */
export interface CallEvents {
  progress(call: Call, job: Job, value: Json): void
  rateLimited(call: Call, ms: number): void
  /** No part of the call is at work any more. */
  waits(call: Call): void
  /** A part of it is again. */
  works(call: Call): void
}

/** Runs the handler; calls `end` once, with what it threw or undefined. `payloads`: data that is kept beside the page, by id. */
export function callHandler(
  handler: Handlers[string] | undefined,
  call: Call,
  payloads: Map<string, Json> | undefined,
  events: CallEvents,
  end: (error: unknown) => void,
): void {
  if (!handler) {
    // Perhaps another release of the program knows this name: retried like any failure, and buried in the end.
    end(new Error(`no handler is registered for jobs named "${call.name}"`))
    return
  }
  try {
    const result =
      typeof handler === 'function'
        ? handler(toJob(call.jobs[0]!, payloads), jobContext(call, events))
        : callBatch(handler.batch, call, payloads, events)
    if (result && typeof result.then === 'function')
      result.then(
        () => end(undefined),
        (error) => end(error ?? new Error('unknown error')),
      )
    else end(undefined)
  } catch (error) {
    end(error ?? new Error('unknown error'))
  }
}

export function toJob({ page, record }: ReadyJob, payloads?: Map<string, Json>): Job {
  const blob = blobIdOf(record)
  const job = {
    id: idOf(record),
    lane: page.lane,
    tenant: page.tenant,
    name: nameOf(record),
    data: blob ? payloads?.get(blob) : dataOf(record),
    attempt: attemptsOf(record) + 1,
    readyAt: page.readyAt,
    firstAt: firstReadyOf(record) ?? page.firstAt,
  }
  if (page.key !== undefined) return { ...job, key: page.key }
  return page.priority > 0 ? { ...job, priority: page.priority } : job
}

function callBatch(
  batch: Extract<Handlers[string], { batch: unknown }>['batch'],
  call: Call,
  payloads: Map<string, Json> | undefined,
  events: CallEvents,
) {
  const jobs: Job[] = []
  const positions = new Map<Job, number>()
  for (const [index, ready] of call.jobs.entries()) {
    if (call.ends[index] !== undefined) continue
    const job = toJob(ready, payloads)
    positions.set(job, index)
    jobs.push(job)
  }
  return batch(jobs, batchContext(call, positions, events))
}

/** The signal is made when a handler first looks at it. */
class CallContext implements JobContext {
  readonly #call: Call
  readonly #events: CallEvents

  constructor(call: Call, events: CallEvents) {
    this.#call = call
    this.#events = events
  }

  get signal(): AbortSignal {
    const call = this.#call
    call.controller ??= new AbortController()
    if (call.over) call.controller.abort()
    return call.controller.signal
  }

  progress(job: Job, value: Json): void {
    this.#events.progress(this.#call, job, value)
  }

  async waitFor<T>(work: () => Promise<T>): Promise<T> {
    this.#add(-1)
    try {
      return await work()
    } finally {
      this.#add(1)
    }
  }

  async together<T>(parts: (() => Promise<T>)[]): Promise<T[]> {
    this.#add(parts.length - 1)
    const part = async (work: () => Promise<T>) => {
      try {
        return await work()
      } finally {
        this.#add(-1)
      }
    }
    try {
      return await allOf(parts.map(part))
    } finally {
      this.#add(1)
    }
  }

  #add(parts: number): void {
    const call = this.#call
    const before = call.atWork
    call.atWork += parts
    if (before > 0 && call.atWork <= 0) this.#events.waits(call)
    else if (before <= 0 && call.atWork > 0) this.#events.works(call)
  }

  rateLimited(ms: number): Snooze {
    numberOption('ms', ms, 0, { least: 0, most: limits.delayMs, whole: false })
    this.#events.rateLimited(this.#call, ms)
    return new Snooze(ms)
  }
}

/** As `Promise.all`, but rejects only when all have ended: what goes on is still a part of the call. */
async function allOf<T>(works: Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(works)
  return Promise.all(works)
}

const jobContext = (call: Call, events: CallEvents): JobContext => new CallContext(call, events)

class CallBatchContext extends CallContext implements BatchContext {
  readonly #call: Call
  readonly #positions: Map<Job, number>

  constructor(call: Call, positions: Map<Job, number>, events: CallEvents) {
    super(call, events)
    this.#call = call
    this.#positions = positions
  }

  retry(job: Job, reason: unknown): void {
    this.#end(job, reason ?? new Error('retry'))
  }

  snooze(job: Job, delayMs: number): void {
    this.#end(job, new Snooze(delayMs))
  }

  bury(job: Job, reason: unknown): void {
    this.#end(job, new Discard(reasonOf(reason)))
  }

  #end(job: Job, end: unknown): void {
    const position = this.#positions.get(job) ?? this.#positionOf(job.id)
    if (position === undefined) throw new TypeError(`job ${job.id} is not part of this batch`)
    this.#call.ends[position] = end
  }

  /** For handlers that pass on copies of their jobs. */
  #positionOf(id: string): number | undefined {
    for (const [job, position] of this.#positions) if (job.id === id) return position
    return undefined
  }
}

const batchContext = (call: Call, positions: Map<Job, number>, events: CallEvents): BatchContext =>
  new CallBatchContext(call, positions, events)

/** What became of a call that is over now, after `serviceMs` in its slot. */
export function reportOf(
  call: Call,
  counts: Record<Outcome, number>,
  serviceMs: number,
  now: number,
): CallReport {
  const { lane, tenant, name, jobs } = call
  return {
    lane: lane.name,
    tenant: tenant.name,
    name,
    jobs: jobs.length,
    dwellMs: Math.max(0, call.startedTime - jobs[0]!.page.readyAt),
    serviceMs,
    waitedMs: Math.max(0, now - call.startedAt - serviceMs),
    failed: counts.retried + counts.dead,
    ...counts,
  }
}

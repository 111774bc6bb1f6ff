import { Discard, Snooze } from './errors.ts'
import type { Lane, ReadyJob } from './lane.ts'
import type { Handlers } from './queue.ts'
import type { BatchContext, Job, JobContext } from './types.ts'

/** A handler at work on one job, or on a batch of one tenant. */
export interface Call {
  lane: Lane
  name: string
  jobs: ReadyJob[]
  /** Cost in ms that the tenant was charged in advance. */
  charged: number
  /** By the monotonic clock. */
  startedAt: number
  /** By the store's clock. */
  startedTime: number
  /** Per job: why it did not simply succeed. */
  ends: unknown[]
  /** Made only when the handler looks at its signal: most never do. */
  controller: AbortController | undefined
  over: boolean
}

/** Runs the handler; calls `end` once, with what it threw or undefined. */
export function callHandler(
  handler: Handlers[string] | undefined,
  call: Call,
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
        ? handler(toJob(call.jobs[0]!), jobContext(call))
        : handler.batch(call.jobs.map(toJob), batchContext(call))
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

function toJob({ page, record }: ReadyJob): Job {
  return {
    id: record[0],
    lane: page.lane,
    tenant: page.tenant,
    name: record[1],
    data: record[2],
    attempt: (record[3] ?? 0) + 1,
    readyAt: page.readyAt,
  }
}

function jobContext(call: Call): JobContext {
  return {
    get signal() {
      call.controller ??= new AbortController()
      if (call.over) call.controller.abort()
      return call.controller.signal
    },
  }
}

function batchContext(call: Call): BatchContext {
  const positions = new Map<string, number>()
  for (const [index, ready] of call.jobs.entries()) positions.set(ready.record[0], index)
  const endOf = (job: Job, end: unknown) => {
    const index = positions.get(job.id)
    if (index === undefined) throw new TypeError(`job ${job.id} is not part of this batch`)
    call.ends[index] = end
  }
  return {
    get signal() {
      call.controller ??= new AbortController()
      if (call.over) call.controller.abort()
      return call.controller.signal
    },
    retry: (job, reason) => endOf(job, reason ?? new Error('retry')),
    snooze: (job, delayMs) => endOf(job, new Snooze(delayMs)),
    bury: (job, reason) => endOf(job, new Discard(reason instanceof Error ? reason.message : String(reason))),
  }
}

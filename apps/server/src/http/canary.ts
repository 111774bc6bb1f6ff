import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { Job, Queue, Worker } from '@fairway/queue'

export interface Canary {
  /** Resolves with the milliseconds that one job took from enqueue to its handler; rejects with the reason. */
  sing(): Promise<number>
  close(): Promise<void>
}

const lanePrefix = 'canary:'
const timeoutMs = 5_000
const freshMs = 1_000

/** Lanes of canaries are no lanes of anybody's work: lists leave them out. */
export const isCanary = (lane: string): boolean => lane.startsWith(lanePrefix)

/**
 * Sends a real job through the queue and waits for it, at most once a second however many ask. It has a lane and a
 * worker of its own, so that it measures the queue and not how busy the other workers are. The lane is named after this
 * process's address: a restarted process finds and finishes what the one before it left.
 */
export function createCanary(queue: Queue, name: string): Canary {
  const lane = `${lanePrefix}${hostname()}:${name}`.slice(0, 64)
  const waiting = new Map<string, () => void>()
  let worker: Worker | undefined
  let latest: { at: number; result: Promise<number> } | undefined

  const handle = (job: Job<{ id?: string }>) => waiting.get(job.data.id ?? '')?.()

  async function send(): Promise<number> {
    worker ??= queue.worker(
      { canary: handle as never },
      { lanes: { [lane]: {} }, concurrency: 1, prefetchBytes: 65_536 },
    )
    const id = randomUUID()
    const start = performance.now()
    let timer: NodeJS.Timeout | undefined
    const arrived = new Promise<void>((done, fail) => {
      waiting.set(id, done)
      timer = setTimeout(
        () => fail(new Error(`a job did not come back within ${timeoutMs / 1_000} s`)),
        timeoutMs,
      )
    })
    try {
      await Promise.all([queue.add({ lane, tenant: 'canary', name: 'canary', data: { id } }), arrived])
      return performance.now() - start
    } finally {
      clearTimeout(timer)
      waiting.delete(id)
    }
  }

  return {
    sing() {
      if (!latest || Date.now() - latest.at > freshMs) {
        const result = send()
        latest = { at: Date.now(), result }
        // Until it is settled, everybody who asks waits for the same one.
        void result.catch(() => {}).finally(() => latest && (latest.at = Date.now()))
      }
      return latest.result
    },
    close: async () => worker?.close({ graceMs: 0 }),
  }
}

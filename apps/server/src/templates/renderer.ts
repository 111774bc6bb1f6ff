import { availableParallelism } from 'node:os'
import type { App } from '../app.ts'
import { keptWith } from '../kept-with.ts'
import { type MailLimits, mailHeapMb } from './limits.ts'
import { newPlace, nowhere, type Place, readPlace } from './place.ts'
import { RenderQueue, slowCount } from './render-queue.ts'
import type { ThreadEnd } from './render-thread.ts'
import { TemplateError } from './template-error.ts'
import { Thread } from './thread.ts'
import type { Work } from './work.ts'

/**
 * What became of a mail. An error that is no {@link TemplateError} is a fault of ours; `later` says that its project has used
 * its share, and may ask again in some seconds.
 */
export type End<Result> = { result: Result } | { error: Error } | { later: true }

/** Items of one project under way. `left` are the indices of those without an end. */
export interface Batch {
  projectId: number
  work: string
  shared: unknown
  items: unknown[]
  ends: End<unknown>[]
  left: number[]
  usedMs: number
  size: number
  /** The next item was in a thread that ran out of memory, after others: it gets a thread for itself. */
  alone: boolean
  done(error?: unknown): void
}

/** Crosses at once, at most. */
const mostItems = 100
/** A batch that took this long, or made this much, ends; what is left of it comes again `later`. */
const batchMs = 4_000
const batchSize = 64_000_000
const tickMs = 50
/** A mail that takes longer counts against its project; twice, because a busy machine can be slow as well. */
const slowMs = 500
const startMs = 60_000
const idleMs = 10_000

interface Run {
  batch: Batch
  place: SharedArrayBuffer
  /** Where it was when last looked at, and at this item for how many ticks in a row. */
  at: Place
  ticks: number
  thread: Thread
  stopped: boolean
}

/**
 * Does what tenants' content decides in threads that can be ended: rendering, checking, making and reading MIME messages.
 * Each mail has {@link MailLimits}; a thread that passes them is ended and replaced, the mail fails, and the others of its
 * batch go on in another thread. {@link RenderQueue} shares the threads between projects.
 */
export class Renderer {
  readonly #limits: MailLimits
  readonly #threads: number
  readonly #queue: RenderQueue
  readonly #running = new Set<Run>()
  readonly #idle: { thread: Thread; timer: NodeJS.Timeout }[] = []
  #watch: NodeJS.Timeout | undefined

  constructor(limits: MailLimits, threads = Math.min(4, Math.max(2, availableParallelism()))) {
    this.#limits = limits
    this.#threads = threads
    this.#queue = new RenderQueue(threads)
  }

  /** The ends in the order of the items. Rejects only when there are no threads to be had. */
  run<S, I, R>(work: Work<S, I, R>, projectId: number, shared: S, items: I[]): Promise<End<R>[]> {
    const ends: End<R>[] = items.map(() => ({ later: true }))
    if (items.length === 0 || this.#queue.isFull(projectId)) return Promise.resolve(ends)
    return new Promise((resolve, reject) => {
      this.#queue.add({
        projectId,
        work: work.name,
        shared,
        items,
        ends,
        left: [...items.keys()],
        usedMs: 0,
        size: 0,
        alone: false,
        done: (error) => (error === undefined ? resolve(ends) : reject(error)),
      })
      this.#dispatch()
    })
  }

  async close(): Promise<void> {
    clearInterval(this.#watch)
    for (const { timer } of this.#idle) clearTimeout(timer)
    const threads = [...this.#idle.splice(0), ...this.#running].map(({ thread }) => thread)
    await Promise.all(threads.map((thread) => thread.stop()))
  }

  #dispatch(): void {
    while (this.#running.size < this.#threads) {
      const batch = this.#queue.take()
      if (!batch) break
      void this.#work(batch)
    }
  }

  /** A slice of a batch; what is left of it stands behind other projects again. */
  async #work(batch: Batch): Promise<void> {
    const taken = batch.left.slice(0, batch.alone ? 1 : mostItems)
    const thread = this.#openThread(batch.alone)
    const run: Run = { batch, place: newPlace(), at: nowhere, ticks: 0, thread, stopped: false }
    this.#running.add(run)
    this.#watch ??= setInterval(() => this.#tick(), tickMs).unref()
    let failure: unknown
    try {
      const { ends, tookMs } = await thread.run({
        work: batch.work,
        shared: batch.shared,
        items: taken.map((index) => batch.items[index]),
        place: run.place,
      })
      for (const [at, end] of ends.entries()) batch.ends[taken[at]!] = toEnd(end)
      for (const end of ends) if ('size' in end) batch.size += end.size
      batch.left.splice(0, ends.length)
      batch.usedMs += tookMs
      batch.alone = false
    } catch (error) {
      if (!this.#fail(run, taken, error)) failure = error
    }
    this.#running.delete(run)
    this.#keep(thread)
    if (this.#running.size === 0) {
      clearInterval(this.#watch)
      this.#watch = undefined
    }
    this.#queue.release(batch)
    const spent = batch.usedMs > batchMs || batch.size > batchSize
    if (failure !== undefined || batch.left.length === 0 || spent) batch.done(failure)
    else this.#queue.add(batch)
    this.#dispatch()
  }

  /** One that is there, unless it must be fresh, or a new one. */
  #openThread(fresh: boolean): Thread {
    for (let idle = this.#idle.pop(); idle; idle = this.#idle.pop()) {
      clearTimeout(idle.timer)
      if (idle.thread.ended) continue
      if (!fresh) return idle.thread
      void idle.thread.stop()
    }
    return new Thread({ maxOldGenerationSizeMb: this.#limits.heapMb, maxYoungGenerationSizeMb: 16 })
  }

  /** For a while: an idle thread takes some 15 MB. */
  #keep(thread: Thread): void {
    if (thread.ended) return
    const timer = setTimeout(() => {
      this.#idle.splice(
        this.#idle.findIndex((idle) => idle.thread === thread),
        1,
      )
      void thread.stop()
    }, idleMs).unref()
    this.#idle.push({ thread, timer })
  }

  /** Ends the mail that a thread was ended for. False when it was none. */
  #fail(run: Run, taken: number[], error: unknown): boolean {
    const { batch, stopped } = run
    const outOfMemory = (error as { code?: string }).code === 'ERR_WORKER_OUT_OF_MEMORY'
    // A thread goes on for a moment after it was told to end.
    const { item, part } = outOfMemory ? readPlace(run.place) : run.at
    if (item === 0 || !(stopped || outOfMemory)) return false
    const guilty = taken[item - 1]!
    batch.left = batch.left.filter((index) => index !== guilty)
    batch.usedMs += run.ticks * tickMs
    this.#queue.noteSlow(batch.projectId, slowCount)
    if (outOfMemory && item > 1) {
      // What came before it may have filled the memory.
      batch.left.unshift(guilty)
      batch.alone = true
      return true
    }
    batch.alone = false
    const { timeMs, heapMb } = this.#limits
    batch.ends[guilty] = {
      error: new TemplateError(
        part,
        outOfMemory
          ? `rendering needed more than ${heapMb} MB of memory and was stopped`
          : `rendering took longer than ${timeMs / 1000} s and was stopped`,
      ),
    }
    return true
  }

  /**
   * Counts by ticks and not by the clock: when this process itself was held up (a debugger, a suspended machine), that
   * is nobody's fault.
   */
  #tick(): void {
    for (const run of this.#running) {
      const at = readPlace(run.place)
      const { item } = at
      run.ticks = item === run.at.item ? run.ticks + 1 : 0
      run.at = at
      const took = run.ticks * tickMs
      if (took >= (item === 0 ? startMs : this.#limits.timeMs)) {
        run.stopped = true
        void run.thread.stop()
      } else if (item > 0 && took === slowMs) this.#queue.noteSlow(run.batch.projectId, 1)
    }
  }
}

function toEnd(end: ThreadEnd): End<unknown> {
  if ('result' in end) return { result: end.result }
  if ('broken' in end)
    return { error: Object.assign(new Error(end.broken.message), { stack: end.broken.stack }) }
  const { part, problem, line, column } = end.mistake
  return { error: new TemplateError(part, problem, line, column) }
}

/** The render threads of this process. */
export const rendererOf = keptWith(
  ({ config }: App) => new Renderer({ timeMs: config.renderSeconds * 1_000, heapMb: mailHeapMb }),
)

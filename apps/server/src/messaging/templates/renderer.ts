import { availableParallelism } from 'node:os'
import { organizationOf } from '../../accounts/organization-of.ts'
import type { App } from '../../platform/app.ts'
import { memoizePerObject } from '../../platform/memoize-per-object.ts'
import { type MailLimits, mailHeapMb } from './limits.ts'
import { nowhere, type RenderPosition } from './render-position.ts'
import { RenderProcess, RenderProcessEnded } from './render-process.ts'
import type { ItemEnd } from './render-program.ts'
import { type Batch, type End, RenderQueue, slowCount } from './render-queue.ts'
import { TemplateError } from './template-error.ts'
import type { RenderTask } from './work.ts'

/** Crosses at once, at most. */
const maxItems = 100
/** A batch that took this long, or made this much, ends; what is left of it comes again `later`. */
const batchMs = 4_000
const batchSize = 64_000_000
const tickMs = 50
/** A mail that takes longer counts against its project; twice, because a busy machine can be slow as well. */
const slowMs = 500
const startMs = 60_000
/** A mail may take so many times its limit by the clock where it gets less of the processors than it could use. */
const maxStretch = 5
/** An idle process takes some 30 MB; starting one takes a fifth of a second, so that the last one stays for longer. */
const idleMs = 10_000
const lastIdleMs = 300_000

interface Run {
  batch: Batch
  /** Where it was when last looked at, and at this item for how many ticks in a row. */
  at: RenderPosition
  ticks: number
  process: RenderProcess
  /** It had been started when last looked at: loading its program is no mail's time. */
  wasReady: boolean
  /** What its process had used of the processors when it came to this item, in ms. */
  cpuFrom: number | undefined
  stopped: boolean
}

/**
 * Does what tenants' content decides in processes that can be killed: rendering, checking, making and reading MIME messages.
 * Each mail has {@link MailLimits}; a process that passes them is killed and replaced, the mail fails, and the others of its
 * batch go on in another one. {@link RenderQueue} shares the processes between projects.
 */
export class Renderer {
  readonly #limits: MailLimits
  readonly #processes: number
  readonly #organizationOf: (projectId: number) => Promise<string>
  readonly #queue: RenderQueue
  readonly #running = new Set<Run>()
  readonly #idle: { process: RenderProcess; timer: NodeJS.Timeout }[] = []
  #watch: NodeJS.Timeout | undefined

  /** `organizationOf`: whose a project is; default: each stands for itself. */
  constructor(
    limits: MailLimits,
    processes = Math.min(4, Math.max(2, availableParallelism())),
    organizationOf = async (projectId: number) => String(projectId),
  ) {
    this.#organizationOf = organizationOf
    this.#limits = limits
    this.#processes = processes
    this.#queue = new RenderQueue(processes)
  }

  /** The ends in the order of the items. Rejects only when there are no processes to be had. */
  async run<S, I, R>(work: RenderTask<S, I, R>, projectId: number, shared: S, items: I[]): Promise<End<R>[]> {
    const ends: End<R>[] = items.map(() => ({ later: true }))
    const organization = await this.#organizationOf(projectId)
    if (items.length === 0 || this.#queue.isFull({ organization, projectId })) return ends
    return new Promise((resolve, reject) => {
      this.#queue.add({
        projectId,
        organization,
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

  close(): void {
    clearInterval(this.#watch)
    for (const { timer } of this.#idle) clearTimeout(timer)
    for (const { process } of [...this.#idle.splice(0), ...this.#running]) process.stop()
  }

  #dispatch(): void {
    while (this.#running.size < this.#processes) {
      const batch = this.#queue.take()
      if (!batch) break
      void this.#work(batch)
    }
  }

  /** A slice of a batch; what is left of it stands behind other projects again. */
  async #work(batch: Batch): Promise<void> {
    const taken = batch.left.slice(0, batch.alone ? 1 : maxItems)
    const process = this.#open(batch.alone)
    const run: Run = {
      batch,
      at: nowhere,
      ticks: 0,
      process,
      wasReady: process.ready,
      cpuFrom: process.cpuMs,
      stopped: false,
    }
    this.#running.add(run)
    this.#watch ??= setInterval(() => this.#tick(), tickMs).unref()
    let failure: unknown
    try {
      const { ends, tookMs } = await run.process.run({
        work: batch.work,
        shared: batch.shared,
        items: taken.map((index) => batch.items[index]),
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
    this.#keep(run.process)
    if (this.#running.size === 0) {
      clearInterval(this.#watch)
      this.#watch = undefined
    }
    this.#queue.release(batch)
    // Who is suspected of having ended a process is tried by itself before the batch ends, however long that took.
    const spent = !batch.alone && (batch.usedMs > batchMs || batch.size > batchSize)
    if (failure !== undefined || batch.left.length === 0 || spent) batch.done(failure)
    else this.#queue.add(batch)
    this.#dispatch()
  }

  /** One that is there, unless it must be fresh, or a new one. */
  #open(fresh: boolean): RenderProcess {
    for (let idle = this.#idle.pop(); idle; idle = this.#idle.pop()) {
      clearTimeout(idle.timer)
      if (idle.process.ended) continue
      if (!fresh) return idle.process
      idle.process.stop()
    }
    return new RenderProcess(this.#limits)
  }

  /** For a while. */
  #keep(process: RenderProcess): void {
    if (process.ended) return
    const timer = setTimeout(
      () => {
        this.#idle.splice(
          this.#idle.findIndex((idle) => idle.process === process),
          1,
        )
        process.stop()
      },
      this.#idle.length === 0 ? lastIdleMs : idleMs,
    ).unref()
    this.#idle.push({ process, timer })
  }

  /** Ends the mail that a process was killed for, or that made it end. False when it was none. */
  #fail({ batch, stopped, ticks, process }: Run, taken: number[], error: unknown): boolean {
    const endedByItself = error instanceof RenderProcessEnded && error.byItself
    if (!process.ready || !(stopped || endedByItself)) return false
    const { item, part } = process.place
    batch.usedMs += ticks * tickMs
    this.#queue.noteSlow(batch, slowCount)
    // What came before it may have filled the memory; or nobody knows which one it was.
    if (!batch.alone && (item === 0 || (endedByItself && item > 1))) {
      const guilty = taken[Math.max(0, item - 1)]!
      batch.left = [guilty, ...batch.left.filter((index) => index !== guilty)]
      batch.alone = true
      return true
    }
    const guilty = taken[Math.max(0, item - 1)]!
    batch.left = batch.left.filter((index) => index !== guilty)
    batch.alone = false
    const { timeMs, heapMb } = this.#limits
    batch.ends[guilty] = {
      error: new TemplateError(
        part,
        endedByItself
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
      const { process } = run
      const at = process.place
      run.ticks = at.item === run.at.item && process.ready === run.wasReady ? run.ticks + 1 : 0
      if (run.ticks === 0) run.cpuFrom = process.cpuMs
      run.at = at
      run.wasReady = process.ready
      const took = run.ticks * tickMs
      if (process.ready ? this.#isOver(run, took) : took >= startMs) {
        run.stopped = true
        process.stop()
      } else if (at.item > 0 && took === slowMs) this.#queue.noteSlow(run.batch, 1)
    }
  }

  /** A mail that had little of a busy machine's processors is not to blame for how long it took. */
  #isOver({ process, cpuFrom }: Run, took: number): boolean {
    const { timeMs } = this.#limits
    if (took < timeMs) return false
    const cpuMs = process.cpuMs
    if (cpuMs === undefined || cpuFrom === undefined) return true
    return cpuMs - cpuFrom >= timeMs || took >= timeMs * maxStretch
  }
}

function toEnd(end: ItemEnd): End<unknown> {
  if ('result' in end) return { result: end.result }
  if ('broken' in end)
    return { error: Object.assign(new Error(end.broken.message), { stack: end.broken.stack }) }
  const { part, problem, line, column } = end.mistake
  return { error: new TemplateError(part, problem, line, column) }
}

/** The render processes of this one. */
export const rendererOf = memoizePerObject(
  (app: App) =>
    new Renderer({ timeMs: app.config.renderSeconds * 1_000, heapMb: mailHeapMb }, undefined, (projectId) =>
      organizationOf(app.pool, projectId),
    ),
)

import { EventEmitter } from 'node:events'
import type { Outcome } from './job-ends.ts'
import type { Job } from './types.ts'

/** What a worker tells of the jobs that ran in this process. */
export interface WorkerEventMap {
  completed: [job: Job]
  /** It will run again. */
  retried: [job: Job, error: unknown]
  snoozed: [job: Job]
  /** It went to the dead letters. */
  dead: [job: Job, error: unknown]
  cancelled: [job: Job]
  /** This many pages went to other workers, because this one was silent for longer than its lease. */
  stalled: [pages: number]
  /** The store failed; the worker tries again by itself. */
  error: [error: unknown]
}

/** Told job by job. */
const heard = ['completed', 'retried', 'snoozed', 'dead', 'cancelled'] as const

/** Events cost nothing while nobody listens, and an `error` that nobody hears ends no process. */
export class WorkerEvents {
  readonly #emitter = new EventEmitter<WorkerEventMap>()

  on<Name extends keyof WorkerEventMap>(name: Name, listener: (...args: WorkerEventMap[Name]) => void): this {
    this.#emitter.on(name, listener as never)
    return this
  }

  off<Name extends keyof WorkerEventMap>(
    name: Name,
    listener: (...args: WorkerEventMap[Name]) => void,
  ): this {
    this.#emitter.off(name, listener as never)
    return this
  }

  protected get isHeard(): boolean {
    return heard.some((name) => this.#emitter.listenerCount(name) > 0)
  }

  protected tell(outcome: Outcome, job: Job, error: unknown): void {
    if (outcome === 'retried' || outcome === 'dead') this.#emitter.emit(outcome, job, error)
    else this.#emitter.emit(outcome, job)
  }

  protected tellStalled(pages: number): void {
    this.#emitter.emit('stalled', pages)
  }

  protected tellError(error: unknown): void {
    if (this.#emitter.listenerCount('error') > 0) this.#emitter.emit('error', error)
  }
}

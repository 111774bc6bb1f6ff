import { EventEmitter } from 'node:events'
import type { Job } from '../api/types.ts'
import type { WorkerEventMap, WorkerEvents } from '../api/worker-events.ts'
import type { Outcome } from './job-ends.ts'

export class WorkerEventEmitter implements WorkerEvents {
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

  protected hasListener(event: Outcome | 'recovered'): boolean {
    return (
      this.#emitter.listenerCount(event) > 0 ||
      (event === 'recovered' && this.#emitter.listenerCount('completed') > 0)
    )
  }

  protected emitOutcome(event: Outcome | 'recovered', job: Job, error: unknown, dueAt: number): void {
    if (event === 'retried') this.#emitter.emit(event, job, error, dueAt)
    else if (event === 'dead') this.#emitter.emit(event, job, error)
    else this.#emitter.emit(event, job)
    if (event === 'recovered') this.#emitter.emit('completed', job)
  }

  protected emitStalled(pages: number): void {
    this.#emitter.emit('stalled', pages)
  }

  protected emitError(error: unknown): void {
    if (this.#emitter.listenerCount('error') > 0) this.#emitter.emit('error', error)
  }
}

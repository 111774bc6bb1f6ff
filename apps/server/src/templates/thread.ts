import { type ResourceLimits, Worker } from 'node:worker_threads'
import type { Task, TaskEnds } from './render-thread.ts'

const fromSources = import.meta.url.endsWith('.ts')
const program = new URL(`../messages/render-thread.${fromSources ? 'ts' : 'js'}`, import.meta.url)

/**
 * A render thread, for one task at a time. It sees no environment variables. (A pool library was tried: piscina brings native
 * binaries, tinypool waits for ever when a thread can't start, and sharing between projects is ours in any case.)
 */
export class Thread {
  readonly #worker: Worker
  #settle: { resolve(ends: TaskEnds): void; reject(error: unknown): void } | undefined
  #ended: unknown

  constructor(limits: ResourceLimits) {
    const entry = fromSources ? new URL('./thread-from-sources.mjs', import.meta.url) : program
    this.#worker = new Worker(entry, {
      workerData: { program: program.href },
      env: {},
      execArgv: fromSources ? ['--conditions=source'] : [],
      resourceLimits: limits,
    })
    this.#worker.unref()
    this.#worker.on('message', (ends: TaskEnds) => this.#take()?.resolve(ends))
    this.#worker.on('error', (error) => this.#end(error))
    this.#worker.on('exit', () => this.#end(new Error('the render thread ended')))
  }

  /** Rejects when the thread ends before the task; it is of no use any more then. */
  run(task: Task): Promise<TaskEnds> {
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
      if (this.#ended !== undefined) return this.#end(this.#ended)
      this.#worker.ref()
      this.#worker.postMessage(task)
    })
  }

  /** Whatever it does at the moment. */
  async stop(): Promise<void> {
    this.#ended ??= new Error('the render thread was stopped')
    await this.#worker.terminate()
  }

  get ended(): boolean {
    return this.#ended !== undefined
  }

  #take() {
    const settle = this.#settle
    this.#settle = undefined
    this.#worker.unref()
    return settle
  }

  #end(error: unknown): void {
    this.#ended ??= error
    this.#take()?.reject(this.#ended)
  }
}

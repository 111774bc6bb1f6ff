import { makeJob } from './payload.ts'
import type { System } from './system.ts'

/** Tenants that each add a job now and then, and how long their jobs wait: from the call of `add` until the handler starts. */
export class QuietTenants {
  readonly #system: System
  readonly #options: QuietOptions
  /** When jobs that have not run yet were added. */
  readonly #waiting = new Map<number, number>()
  readonly #dwells: { at: number; dwell: number }[] = []
  readonly #timers = new Set<NodeJS.Timeout>()
  readonly #adds = new Set<Promise<void>>()
  #next = 0

  constructor(system: System, options: QuietOptions) {
    this.#system = system
    this.#options = options
    for (let index = 0; index < options.tenants; index++) this.#later(`${quietPrefix}${index}`)
  }

  /** Call from the handler. */
  started(n: number): void {
    const at = this.#waiting.get(n)
    if (at === undefined) return
    this.#waiting.delete(n)
    this.#dwells.push({ at, dwell: performance.now() - at })
  }

  get waiting(): number {
    return this.#waiting.size
  }

  /** Dwell of the jobs that were added since `from`. What still waits has waited until now at least. */
  dwells(from: number): number[] {
    const now = performance.now()
    const unfinished = [...this.#waiting.values()].map((at) => ({ at, dwell: now - at }))
    return [...this.#dwells, ...unfinished].filter(({ at }) => at >= from).map(({ dwell }) => dwell)
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer)
    this.#timers.clear()
    await Promise.all(this.#adds)
  }

  #later(tenant: string): void {
    const timer = setTimeout(
      () => {
        this.#timers.delete(timer)
        this.#later(tenant)
        this.#add(tenant)
      },
      Math.random() * 2 * this.#options.everyMs,
    )
    this.#timers.add(timer)
  }

  #add(tenant: string): void {
    const n = this.#next++
    const { lane, ms } = this.#options
    this.#waiting.set(n, performance.now())
    const add = this.#system.add(makeJob(n, tenant, { lane, ms })).finally(() => this.#adds.delete(add))
    this.#adds.add(add)
  }
}

export interface QuietOptions {
  tenants: number
  /** Each tenant adds a job this often on average. */
  everyMs: number
  lane: string
  /** What the handler sleeps. */
  ms: number
}

export const quietPrefix = 'quiet-'

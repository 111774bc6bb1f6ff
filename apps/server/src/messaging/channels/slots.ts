interface Waiter {
  count: number
  resolve: () => void
}

/**
 * Places for messages between their claim and their outcome. Whoever claims takes places first, so the number of
 * messages that a crash leaves in doubt is bounded by the provider and not by the size of a batch. First come, first served.
 */
export class Slots {
  readonly capacity: number
  #free: number
  readonly #waiting: Waiter[] = []

  constructor(capacity: number) {
    this.capacity = capacity
    this.#free = capacity
  }

  get busy(): number {
    return this.capacity - this.#free
  }

  /** Somebody waits: whoever could go on with the same places gives them back instead. */
  get contended(): boolean {
    return this.#waiting.length > 0
  }

  /**
   * Resolves with true and `count` places taken, or with false when there were none within `maxWaitMs`. Rejects with the signal's
   * reason when it aborts first.
   */
  async acquire(count: number, signal: AbortSignal, maxWaitMs: number): Promise<boolean> {
    signal.throwIfAborted()
    if (this.#waiting.length === 0 && this.#free >= count) {
      this.#free -= count
      return true
    }
    return new Promise<boolean>((resolve, reject) => {
      const done = () => {
        signal.removeEventListener('abort', abort)
        clearTimeout(timer)
      }
      const waiter: Waiter = {
        count,
        resolve: () => {
          done()
          resolve(true)
        },
      }
      const leave = () => {
        done()
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1)
        this.#admit()
      }
      const abort = () => {
        leave()
        reject(signal.reason)
      }
      const timer = setTimeout(() => {
        leave()
        resolve(false)
      }, maxWaitMs)
      signal.addEventListener('abort', abort, { once: true })
      this.#waiting.push(waiter)
    })
  }

  release(count: number): void {
    this.#free += count
    this.#admit()
  }

  #admit(): void {
    for (let first = this.#waiting[0]; first && first.count <= this.#free; first = this.#waiting[0]) {
      this.#waiting.shift()
      this.#free -= first.count
      first.resolve()
    }
  }
}

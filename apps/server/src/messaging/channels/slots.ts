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

  /** Resolves with `count` places taken. Rejects with the signal's reason when it aborts first. */
  async acquire(count: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (this.#waiting.length === 0 && this.#free >= count) {
      this.#free -= count
      return
    }
    await new Promise<void>((resolve, reject) => {
      const waiter: Waiter = {
        count,
        resolve: () => {
          signal.removeEventListener('abort', abort)
          resolve()
        },
      }
      const abort = () => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1)
        this.#admit()
        reject(signal.reason)
      }
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

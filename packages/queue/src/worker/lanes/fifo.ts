/** What waits under one key of a scheduler, in its own order. */
export interface Waiting<T> {
  /** Items that may be taken now. */
  readonly length: number
  /** All items, also those that may not be taken now. */
  readonly size: number
  push(item: T): void
  /** The item to be taken next, undefined when {@link length} is 0. */
  first(): T | undefined
  shift(): T | undefined
  /** Takes out everything, also what may not be taken now. */
  drain(): T[]
}

/** Array queue with O(1) amortised shift. */
export class Fifo<T> implements Waiting<T> {
  #items: (T | undefined)[] = []
  #start = 0

  get length(): number {
    return this.#items.length - this.#start
  }

  get size(): number {
    return this.length
  }

  first(): T | undefined {
    return this.#items[this.#start]
  }

  push(item: T): void {
    this.#items.push(item)
  }

  shift(): T | undefined {
    if (this.#start === this.#items.length) return undefined
    const item = this.#items[this.#start]
    this.#items[this.#start++] = undefined
    if (this.#start > 64 && this.#start * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#start)
      this.#start = 0
    }
    return item
  }

  drain(): T[] {
    const items = this.#items.slice(this.#start) as T[]
    this.#items = []
    this.#start = 0
    return items
  }
}

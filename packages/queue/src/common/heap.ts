/** What can be in a heap. */
export interface HeapItem {
  /** Where it is in its heap; -1 when it is in none. */
  heapIndex: number
}

/** Binary min-heap whose items know where they are, so that any of them can be moved or removed in O(log n). */
export class Heap<T extends HeapItem> {
  #items: T[] = []
  readonly #before: (a: T, b: T) => boolean

  constructor(before: (a: T, b: T) => boolean) {
    this.#before = before
  }

  get size(): number {
    return this.#items.length
  }

  get items(): readonly T[] {
    return this.#items
  }

  first(): T | undefined {
    return this.#items[0]
  }

  push(item: T): void {
    item.heapIndex = this.#items.length
    // Takes less memory than an array that was pushed to, and many heaps never hold two.
    if (item.heapIndex === 0) this.#items = [item]
    else this.#items.push(item)
    this.#rise(item)
  }

  pop(): T | undefined {
    const first = this.#items[0]
    if (first) this.remove(first)
    return first
  }

  /** Takes everything out. */
  clear(): void {
    for (const item of this.#items) item.heapIndex = -1
    this.#items = []
  }

  remove(item: T): void {
    const last = this.#items.pop()!
    if (last !== item) {
      this.#items[item.heapIndex] = last
      last.heapIndex = item.heapIndex
      this.moved(last)
    }
    item.heapIndex = -1
  }

  /** What decides about its order has changed. */
  moved(item: T): void {
    this.#rise(item)
    this.#sink(item)
  }

  #rise(item: T): void {
    const items = this.#items
    const before = this.#before
    let index = item.heapIndex
    while (index > 0) {
      const above = (index - 1) >> 1
      const parent = items[above]!
      if (!before(item, parent)) break
      items[index] = parent
      parent.heapIndex = index
      index = above
    }
    items[index] = item
    item.heapIndex = index
  }

  #sink(item: T): void {
    const items = this.#items
    const before = this.#before
    const { length } = items
    let index = item.heapIndex
    for (;;) {
      let at = 2 * index + 1
      if (at >= length) break
      let child = items[at]!
      const right = at + 1 < length ? items[at + 1]! : undefined
      if (right && before(right, child)) {
        at++
        child = right
      }
      if (!before(child, item)) break
      items[index] = child
      child.heapIndex = index
      index = at
    }
    items[index] = item
    item.heapIndex = index
  }
}

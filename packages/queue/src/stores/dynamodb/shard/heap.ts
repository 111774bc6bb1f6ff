/** What can be in a heap; it keeps its place there, -1 when it is in none. */
export interface Placed {
  place: number
}

/** Binary min-heap whose items know their places, so that any of them can be moved or removed in O(log n). */
export class Heap<T extends Placed> {
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
    item.place = this.#items.length
    // Takes less memory than an array that was pushed to, and many heaps never hold two.
    if (item.place === 0) this.#items = [item]
    else this.#items.push(item)
    this.#rise(item)
  }

  pop(): T | undefined {
    const first = this.#items[0]
    if (first) this.remove(first)
    return first
  }

  remove(item: T): void {
    const last = this.#items.pop()!
    if (last !== item) {
      this.#items[item.place] = last
      last.place = item.place
      this.moved(last)
    }
    item.place = -1
  }

  /** What decides about its order has changed. */
  moved(item: T): void {
    this.#rise(item)
    this.#sink(item)
  }

  #rise(item: T): void {
    let place = item.place
    while (place > 0) {
      const parent = this.#items[(place - 1) >> 1]!
      if (!this.#before(item, parent)) break
      this.#items[place] = parent
      const above = parent.place
      parent.place = place
      place = above
    }
    this.#items[place] = item
    item.place = place
  }

  #sink(item: T): void {
    let place = item.place
    for (;;) {
      let child = 2 * place + 1
      if (child >= this.#items.length) break
      if (child + 1 < this.#items.length && this.#before(this.#items[child + 1]!, this.#items[child]!))
        child++
      const below = this.#items[child]!
      if (!this.#before(below, item)) break
      this.#items[place] = below
      below.place = place
      place = child
    }
    this.#items[place] = item
    item.place = place
  }
}

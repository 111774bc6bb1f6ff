import { Fifo, type Waiting } from './fifo.ts'

/**
 * Start-time fair queueing (Goyal, Vin, Cheng, SIGCOMM 1996) over keys with unknown, variable cost. Every key with work has
 * a tag: the virtual time at which it is next entitled to service. The lowest tag is served; serving costs the key
 * estimate / weight; when the true cost is known the tag is corrected. A key that becomes active starts at the virtual time
 * of the service now going on, so idleness earns no credit and old use costs nothing.
 *
 * Bound: while two keys both have work, their service divided by weight differs by at most one largest quantum each.
 * State: one small record per key with work; a key whose tag has passed into history is forgotten.
 */
export class FairScheduler<T> {
  /** Binary min-heap of keys with work, by tag. */
  readonly #heap: Key<T>[] = []
  readonly #keys = new Map<string, Key<T>>()
  readonly #makeWaiting: () => Waiting<T>
  #virtualTime = 0
  #size = 0

  /** `makeWaiting`: how the items of one key wait; first in, first out by default. */
  constructor(makeWaiting: () => Waiting<T> = () => new Fifo<T>()) {
    this.#makeWaiting = makeWaiting
  }

  /** Items waiting. */
  get size(): number {
    return this.#size
  }

  /** Keys that can be served: with items waiting, and not parked. */
  get active(): number {
    return this.#heap.length
  }

  push(name: string, item: T, weight = 1): void {
    let key = this.#keys.get(name)
    if (!key) {
      const items = this.#makeWaiting()
      key = { name, tag: this.#virtualTime, weight, items, position: -1, parked: false }
      this.#keys.set(name, key)
    }
    key.weight = weight
    key.items.push(item)
    this.#size++
    this.#activate(key)
  }

  /** Changes what of a key may be taken: `change` is given what waits. */
  refresh(name: string, change: (waiting: Waiting<T>) => void): void {
    const key = this.#keys.get(name)
    if (!key) return
    change(key.items)
    this.#activate(key)
  }

  #activate(key: Key<T>): void {
    if (key.position >= 0 || key.parked || key.items.length === 0) return
    key.tag = Math.max(key.tag, this.#virtualTime)
    this.#insert(key)
  }

  /** The item that is served next, without taking it. */
  peek(): { name: string; item: T } | undefined {
    const key = this.#heap[0]
    return key && { name: key.name, item: key.items.first()! }
  }

  /** Charges the key served next with `cost`; takes its first item off, and with `park` the key out of service. */
  serve(cost: number, park = false): void {
    const key = this.#heap[0]!
    this.#virtualTime = Math.max(this.#virtualTime, key.tag)
    key.tag += cost / key.weight
    key.items.shift()
    this.#size--
    key.parked = park
    if (park || key.items.length === 0) this.#removeAt(0)
    else this.#sink(0)
  }

  /** Takes items of a key out of their order: `take` is given what waits and returns what it took. */
  takeOut(name: string, take: (waiting: Waiting<T>) => T[]): T[] {
    const key = this.#keys.get(name)
    if (!key) return []
    const items = take(key.items)
    this.#size -= items.length
    if (key.position >= 0 && key.items.length === 0) this.#removeAt(key.position)
    return items
  }

  /** Adds the difference between true and estimated cost to a key's tag. */
  correct(name: string, difference: number): void {
    const key = this.#keys.get(name)
    if (!key || difference === 0) return
    key.tag += difference / key.weight
    if (key.position >= 0) {
      this.#rise(key.position)
      this.#sink(key.position)
    } else if (this.#isForgettable(key)) this.#keys.delete(name)
  }

  /** Takes a key out of the order of service, with all it has waiting, until {@link unpark}. Its tag stays. */
  park(name: string): void {
    const key = this.#keys.get(name)
    if (!key || key.position < 0) return
    key.parked = true
    this.#removeAt(key.position)
  }

  unpark(name: string): void {
    const key = this.#keys.get(name)
    if (!key?.parked) return
    key.parked = false
    this.#activate(key)
  }

  hasWork(name: string): boolean {
    return (this.#keys.get(name)?.position ?? -1) >= 0
  }

  /** Removes and returns everything that waits. */
  drain(): T[] {
    const items: T[] = []
    for (const key of this.#keys.values()) for (const item of key.items.drain()) items.push(item)
    this.#heap.length = 0
    this.#keys.clear()
    this.#size = 0
    return items
  }

  /** Drops idle keys whose tag lies in the past: their next activation would start at the virtual time anyway. */
  forgetIdle(): void {
    for (const [name, key] of this.#keys) if (this.#isForgettable(key)) this.#keys.delete(name)
  }

  #isForgettable(key: Key<T>): boolean {
    return key.position < 0 && !key.parked && key.items.size === 0 && key.tag <= this.#virtualTime
  }

  get remembered(): number {
    return this.#keys.size
  }

  #insert(key: Key<T>): void {
    key.position = this.#heap.length
    this.#heap.push(key)
    this.#rise(key.position)
  }

  #removeAt(position: number): void {
    const removed = this.#heap[position]!
    const last = this.#heap.pop()!
    removed.position = -1
    if (last !== removed) {
      this.#heap[position] = last
      last.position = position
      this.#rise(position)
      this.#sink(last.position)
    }
    // When nothing waits at all the busy period ends: what was served sets the virtual time, and no debts remain.
    if (this.#size === 0) {
      this.#virtualTime = Math.max(this.#virtualTime, removed.tag)
      for (const [name, key] of this.#keys) if (!key.parked) this.#keys.delete(name)
    } else if (this.#keys.size > 2 * this.#heap.length + 1_000) this.forgetIdle()
  }

  #rise(start: number): void {
    const heap = this.#heap
    const key = heap[start]!
    let at = start
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (heap[parent]!.tag <= key.tag) break
      heap[at] = heap[parent]!
      heap[at]!.position = at
      at = parent
    }
    heap[at] = key
    key.position = at
  }

  #sink(start: number): void {
    const heap = this.#heap
    const key = heap[start]!
    let at = start
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && heap[child + 1]!.tag < heap[child]!.tag) child++
      if (heap[child]!.tag >= key.tag) break
      heap[at] = heap[child]!
      heap[at]!.position = at
      at = child
    }
    heap[at] = key
    key.position = at
  }
}

interface Key<T> {
  name: string
  tag: number
  weight: number
  items: Waiting<T>
  /** Place in the heap, -1 when nothing waits or the key is parked. */
  position: number
  parked: boolean
}

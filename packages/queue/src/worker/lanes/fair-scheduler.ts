import { Heap, type HeapItem } from '../../common/heap.ts'
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
  /** Keys with work, by tag. */
  readonly #heap = new Heap<Key<T>>((a, b) => a.tag < b.tag)
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
    return this.#heap.size
  }

  push(name: string, item: T, weight = 1): void {
    let key = this.#keys.get(name)
    if (!key) {
      const items = this.#makeWaiting()
      key = { name, tag: this.#virtualTime, weight, items, heapIndex: -1, parked: false }
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
    if (key.heapIndex >= 0 || key.parked || key.items.length === 0) return
    key.tag = Math.max(key.tag, this.#virtualTime)
    this.#heap.push(key)
  }

  /** The item that is served next, without taking it. */
  peek(): { name: string; item: T } | undefined {
    const key = this.#heap.first()
    return key && { name: key.name, item: key.items.first()! }
  }

  /** Charges the key served next with `cost`; takes its first item off, and with `park` the key out of service. */
  serve(cost: number, park = false): void {
    const key = this.#heap.first()!
    this.#virtualTime = Math.max(this.#virtualTime, key.tag)
    key.tag += cost / key.weight
    key.items.shift()
    this.#size--
    key.parked = park
    if (park || key.items.length === 0) this.#deactivate(key)
    else this.#heap.moved(key)
  }

  /** Takes items of a key out of their order: `take` is given what waits and returns what it took. */
  takeOut(name: string, take: (waiting: Waiting<T>) => T[]): T[] {
    const key = this.#keys.get(name)
    if (!key) return []
    const items = take(key.items)
    this.#size -= items.length
    if (key.heapIndex >= 0 && key.items.length === 0) this.#deactivate(key)
    return items
  }

  /** Adds the difference between true and estimated cost to a key's tag. */
  correct(name: string, difference: number): void {
    const key = this.#keys.get(name)
    if (!key || difference === 0) return
    key.tag += difference / key.weight
    if (key.heapIndex >= 0) this.#heap.moved(key)
    else if (this.#isForgettable(key)) this.#keys.delete(name)
  }

  /** Takes a key out of the order of service, with all it has waiting, until {@link unpark}. Its tag stays. */
  park(name: string): void {
    const key = this.#keys.get(name)
    if (!key || key.heapIndex < 0) return
    key.parked = true
    this.#deactivate(key)
  }

  unpark(name: string): void {
    const key = this.#keys.get(name)
    if (!key?.parked) return
    key.parked = false
    this.#activate(key)
  }

  hasWork(name: string): boolean {
    return (this.#keys.get(name)?.heapIndex ?? -1) >= 0
  }

  /** Removes and returns everything that waits. */
  drain(): T[] {
    const items: T[] = []
    for (const key of this.#keys.values()) for (const item of key.items.drain()) items.push(item)
    this.#heap.clear()
    this.#keys.clear()
    this.#size = 0
    return items
  }

  /** Drops idle keys whose tag lies in the past: their next activation would start at the virtual time anyway. */
  forgetIdle(): void {
    for (const [name, key] of this.#keys) if (this.#isForgettable(key)) this.#keys.delete(name)
  }

  #isForgettable(key: Key<T>): boolean {
    return key.heapIndex < 0 && !key.parked && key.items.size === 0 && key.tag <= this.#virtualTime
  }

  get remembered(): number {
    return this.#keys.size
  }

  #deactivate(key: Key<T>): void {
    this.#heap.remove(key)
    // When nothing waits at all the busy period ends: what was served sets the virtual time, and no debts remain.
    if (this.#size === 0) {
      this.#virtualTime = Math.max(this.#virtualTime, key.tag)
      for (const [name, { parked }] of this.#keys) if (!parked) this.#keys.delete(name)
    } else if (this.#keys.size > 2 * this.#heap.size + 1_000) this.forgetIdle()
  }
}

interface Key<T> extends HeapItem {
  name: string
  tag: number
  weight: number
  items: Waiting<T>
  parked: boolean
}

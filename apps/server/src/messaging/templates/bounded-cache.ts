/** Least recently used cache, bounded in entries and in the sum of the sizes given for them. */
export class BoundedCache<K, V> {
  readonly #entries = new Map<K, { value: V; size: number }>()
  readonly #maxEntries: number
  readonly #maxSize: number
  #size = 0

  constructor(limits: { maxEntries: number; maxSize: number }) {
    this.#maxEntries = limits.maxEntries
    this.#maxSize = limits.maxSize
  }

  get(key: K): V | undefined {
    const entry = this.#entries.get(key)
    if (!entry) return undefined
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    return entry.value
  }

  set(key: K, value: V, size: number): void {
    this.delete(key)
    if (size > this.#maxSize) return
    this.#entries.set(key, { value, size })
    this.#size += size
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.#maxEntries && this.#size <= this.#maxSize) break
      this.delete(oldest)
    }
  }

  delete(key: K): void {
    const entry = this.#entries.get(key)
    if (!entry) return
    this.#entries.delete(key)
    this.#size -= entry.size
  }

  get size(): number {
    return this.#size
  }
}

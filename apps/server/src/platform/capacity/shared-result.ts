const maxEntries = 1_000

/**
 * Runs a costly read once for everybody who asks within a time, however many consoles are open. Failures aren't kept.
 * Bounded: the oldest result goes first.
 */
export class SharedResults<T> {
  readonly #now: () => Date
  readonly #results = new Map<string, { result: Promise<T>; until: number }>()

  constructor(now: () => Date) {
    this.#now = now
  }

  get(key: string, ttlMs: number, read: () => Promise<T>): Promise<T> {
    const now = this.#now().getTime()
    const known = this.#results.get(key)
    if (known && known.until > now) return known.result
    this.#results.delete(key)
    if (this.#results.size >= maxEntries) this.#results.delete(this.#results.keys().next().value!)
    const entry = { result: read(), until: now + ttlMs }
    this.#results.set(key, entry)
    entry.result.catch(() => {
      if (this.#results.get(key) === entry) this.#results.delete(key)
    })
    return entry.result
  }
}

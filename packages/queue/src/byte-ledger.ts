/** Bounds a buffer in bytes. Whoever allocates acquires first; whoever frees releases. */
export class ByteLedger {
  readonly limit: number
  #used = 0

  constructor(limit: number) {
    this.limit = limit
  }

  get used(): number {
    return this.#used
  }

  /** False when it does not fit. A single item larger than the whole limit fits only into an empty ledger. */
  tryAcquire(bytes: number): boolean {
    if (this.#used + bytes > this.limit && this.#used > 0) return false
    this.#used += bytes
    return true
  }

  release(bytes: number): void {
    this.#used -= bytes
  }
}

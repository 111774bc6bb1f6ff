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

  get room(): number {
    return Math.max(0, this.limit - this.#used)
  }

  /** False when it does not fit. A single item larger than the whole limit fits only into an empty ledger. */
  tryAcquire(bytes: number): boolean {
    if (this.#used + bytes > this.limit && this.#used > 0) return false
    this.#used += bytes
    return true
  }

  /** Records bytes that are already there, such as the first page of a claim. */
  acquire(bytes: number): void {
    this.#used += bytes
  }

  release(bytes: number): void {
    this.#used -= bytes
  }
}

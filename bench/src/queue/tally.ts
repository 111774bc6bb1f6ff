/** Counts how often each of the jobs numbered 0 … `total` − 1 was delivered, at one byte a job. */
export class Tally {
  readonly #seen: Uint8Array
  readonly #total: number
  #distinct = 0
  #deliveries = 0
  readonly #finished: () => void
  /** Resolves when every job was delivered at least once. */
  readonly all: Promise<void>

  constructor(total: number) {
    this.#total = total
    this.#seen = new Uint8Array(total)
    let finished = () => {}
    this.all = new Promise((resolve) => (finished = resolve))
    this.#finished = finished
  }

  see(n: number): void {
    this.#deliveries++
    if (this.#seen[n] === 0) {
      this.#seen[n] = 1
      if (++this.#distinct === this.#total) this.#finished()
    }
  }

  get delivery(): Delivery {
    return { lost: this.#total - this.#distinct, duplicates: this.#deliveries - this.#distinct }
  }
}

export interface Delivery {
  lost: number
  duplicates: number
}

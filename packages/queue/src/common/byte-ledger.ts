/**
 * All that the queue keeps in a process's memory, in bytes, by purpose. Whoever allocates acquires first; whoever frees
 * releases. Each account has a limit, so that the sum of the limits bounds the process, whatever the backlog.
 */
export class ByteLedger {
  readonly #accounts: ByteAccount[] = []

  open(name: string, limit: number): ByteAccount {
    const account = new ByteAccount(name, limit, () =>
      this.#accounts.splice(this.#accounts.indexOf(account), 1),
    )
    this.#accounts.push(account)
    return account
  }

  /** Used and allowed bytes by purpose, over all workers of the queue. */
  report(): Record<string, { used: number; limit: number }> {
    const report: Record<string, { used: number; limit: number }> = {}
    for (const { name, used, limit } of this.#accounts) {
      report[name] ??= { used: 0, limit: 0 }
      report[name].used += used
      report[name].limit += limit
    }
    return report
  }
}

/** One purpose: `intake`, `prefetch`, `payloads`. */
export class ByteAccount {
  readonly name: string
  readonly limit: number
  readonly close: () => void
  #used = 0
  readonly #waiting: { bytes: number; resolve: () => void }[] = []

  constructor(name: string, limit: number, close: () => void) {
    this.name = name
    this.limit = limit
    this.close = close
  }

  get used(): number {
    return this.#used
  }

  /** False when it does not fit. A single item larger than the whole limit fits only into an empty account. */
  tryAcquire(bytes: number): boolean {
    if (this.#waiting.length > 0 || !this.#fits(bytes)) return false
    this.#used += bytes
    return true
  }

  /** Bytes that something else keeps within the limit, told for the report. */
  note(bytes: number): void {
    this.#used += bytes
  }

  /** Resolves when the bytes fit; first come, first served. */
  async acquire(bytes: number): Promise<void> {
    if (this.tryAcquire(bytes)) return
    await new Promise<void>((resolve) => this.#waiting.push({ bytes, resolve }))
  }

  release(bytes: number): void {
    this.#used -= bytes
    while (this.#waiting.length > 0 && this.#fits(this.#waiting[0]!.bytes)) {
      const next = this.#waiting.shift()!
      this.#used += next.bytes
      next.resolve()
    }
  }

  #fits(bytes: number): boolean {
    return this.#used === 0 || this.#used + bytes <= this.limit
  }
}

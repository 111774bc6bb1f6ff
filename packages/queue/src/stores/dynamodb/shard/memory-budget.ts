/** Pages (not their bodies) that the shards of a process keep in memory before they write the middle of long queues to disk. */
export class MemoryBudget {
  /** In memory now: waiting, scheduled and leased, about 300 bytes each. */
  pages = 0
  readonly limit: number

  constructor(limit: number) {
    this.limit = limit
  }

  get tight(): boolean {
    return this.pages > this.limit
  }
}

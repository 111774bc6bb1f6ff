/**
 * Jobs under way in a line from which on another line is used: few jobs are better stored together. Measured with 64 callers
 * that add one by one: two commits of 32 jobs take twice the processor time of one of 64.
 */
const worthALine = 500

/**
 * Commits that may be under way at once, and the order they keep: a **line** is a row of commits, one after the other, and
 * the jobs that a tenant has waiting or under way are all in one line. So jobs of a tenant are stored in the order of
 * adding, and two commits that are under way at once never wait for each other's rows. A call whose tenants are in several
 * lines takes all of these.
 */
export class TenantLines {
  /** Jobs under way in each line. */
  readonly #load: number[]
  /** Runs of jobs of each tenant that are waiting or under way, and where. */
  readonly #tenants = new Map<string, { line: number; runs: number }>()

  constructor(lines: number) {
    this.#load = new Array(lines).fill(0)
  }

  /** All lines, as bits. */
  get all(): number {
    return (1 << this.#load.length) - 1
  }

  /** The lines that a call's jobs take, as bits. */
  enter(jobs: readonly { tenant: string }[]): number {
    if (this.#load.length === 1) return 1
    const bound = this.#boundTo(jobs)
    const lines = bound || 1 << this.#shortest()
    const first = 31 - Math.clz32(lines)
    let last: string | undefined
    for (const { tenant } of jobs) {
      if (tenant === last) continue
      last = tenant
      const known = this.#tenants.get(tenant)
      if (known) known.runs++
      else this.#tenants.set(tenant, { line: first, runs: 1 })
    }
    this.#load[first]! += jobs.length
    return lines
  }

  /** They are stored, or refused. `lines`: what {@link enter} gave for them. */
  leave(jobs: readonly { tenant: string }[], lines: number): void {
    if (this.#load.length === 1) return
    this.#load[31 - Math.clz32(lines)]! -= jobs.length
    let last: string | undefined
    for (const { tenant } of jobs) {
      if (tenant === last) continue
      last = tenant
      if (--this.#tenants.get(tenant)!.runs === 0) this.#tenants.delete(tenant)
    }
  }

  #boundTo(jobs: readonly { tenant: string }[]): number {
    let lines = 0
    let last: string | undefined
    for (const { tenant } of jobs) {
      if (tenant === last) continue
      last = tenant
      const known = this.#tenants.get(tenant)
      if (known) lines |= 1 << known.line
    }
    return lines
  }

  /** The first line with little to do, or the one with least. */
  #shortest(): number {
    let shortest = 0
    for (const [line, load] of this.#load.entries()) {
      if (load < worthALine) return line
      if (load < this.#load[shortest]!) shortest = line
    }
    return shortest
  }
}

/**
 * Jobs under way in a stripe from which on another stripe is used: few jobs are better stored together. Measured with 64 callers
 * that add one by one: two commits of 32 jobs take twice the processor time of one of 64.
 */
const worthAStripe = 500

/**
 * Commits that may be under way at once, and the order they keep: the commits of a **stripe** come one after the other, and the
 * jobs that a tenant has waiting or under way are all in one stripe. So jobs of a tenant are stored in the order of
 * adding, and two commits that are under way at once never wait for each other's rows. A call whose tenants are in several
 * stripes takes all of these.
 */
export class CommitStripes {
  /** Jobs under way in each stripe. */
  readonly #load: number[]
  /** Runs of jobs of each tenant that are waiting or under way, and where. */
  readonly #tenants = new Map<string, { stripe: number; runs: number }>()

  constructor(stripes: number) {
    this.#load = new Array(stripes).fill(0)
  }

  /** All stripes, as bits. */
  get all(): number {
    return (1 << this.#load.length) - 1
  }

  /** The stripes that a call's jobs take, as bits. */
  enter(jobs: readonly { tenant: string }[]): number {
    if (this.#load.length === 1) return 1
    const bound = this.#boundTo(jobs)
    const stripes = bound || 1 << this.#shortest()
    const first = 31 - Math.clz32(stripes)
    let last: string | undefined
    for (const { tenant } of jobs) {
      if (tenant === last) continue
      last = tenant
      const known = this.#tenants.get(tenant)
      if (known) known.runs++
      else this.#tenants.set(tenant, { stripe: first, runs: 1 })
    }
    this.#load[first]! += jobs.length
    return stripes
  }

  /** They are stored, or refused. `stripes`: what {@link enter} gave for them. */
  leave(jobs: readonly { tenant: string }[], stripes: number): void {
    if (this.#load.length === 1) return
    this.#load[31 - Math.clz32(stripes)]! -= jobs.length
    let last: string | undefined
    for (const { tenant } of jobs) {
      if (tenant === last) continue
      last = tenant
      if (--this.#tenants.get(tenant)!.runs === 0) this.#tenants.delete(tenant)
    }
  }

  #boundTo(jobs: readonly { tenant: string }[]): number {
    let stripes = 0
    let last: string | undefined
    for (const { tenant } of jobs) {
      if (tenant === last) continue
      last = tenant
      const known = this.#tenants.get(tenant)
      if (known) stripes |= 1 << known.stripe
    }
    return stripes
  }

  /** The first stripe with little to do, or the one with least. */
  #shortest(): number {
    let shortest = 0
    for (const [stripe, load] of this.#load.entries()) {
      if (load < worthAStripe) return stripe
      if (load < this.#load[shortest]!) shortest = stripe
    }
    return shortest
  }
}

export interface TenantWork {
  tenant: string
  /** Time its calls held a slot, ms. */
  serviceMs: number
  jobs: number
}

export interface TopTenants {
  /** Most service time first. */
  top: TenantWork[]
  /** All others together. */
  other: Omit<TenantWork, 'tenant'>
}

const maxKept = 256

/**
 * Who got how much service, in bounded memory: from 256 tenants on, the half with least of it becomes part of `other`. Sums
 * over all are exact; one tenant's may be told too small, but only where more than 256 tally together.
 */
export class TenantTally {
  readonly #tenants = new Map<string, TenantWork>()
  #other = { serviceMs: 0, jobs: 0 }

  /** Tenants kept: at most 256. */
  get size(): number {
    return this.#tenants.size
  }

  add(tenant: string, serviceMs: number, jobs: number): void {
    const work = this.#tenants.get(tenant)
    if (work) {
      work.serviceMs += serviceMs
      work.jobs += jobs
      return
    }
    if (this.#tenants.size >= maxKept) this.#fold()
    this.#tenants.set(tenant, { tenant, serviceMs, jobs })
  }

  read(): { tenants: TenantWork[]; other: TopTenants['other'] } {
    return { tenants: [...this.#tenants.values()], other: this.#other }
  }

  #fold(): void {
    const { top, other } = topOf([...this.#tenants.values()], this.#other, maxKept / 2)
    this.#tenants.clear()
    for (const work of top) this.#tenants.set(work.tenant, work)
    this.#other = other
  }
}

/** The `limit` with most service time; the rest is added to `other`. */
export function topOf(tenants: TenantWork[], other: TopTenants['other'], limit: number): TopTenants {
  const sorted = tenants.toSorted((a, b) => b.serviceMs - a.serviceMs)
  const rest = { ...other }
  for (const { serviceMs, jobs } of sorted.slice(limit)) {
    rest.serviceMs += serviceMs
    rest.jobs += jobs
  }
  return { top: sorted.slice(0, limit), other: rest }
}

/** Sums what several slices or processes tell of the same tenants. */
export function sumTenants(parts: Iterable<TenantWork>): TenantWork[] {
  const sums = new Map<string, TenantWork>()
  for (const { tenant, serviceMs, jobs } of parts) {
    const sum = sums.get(tenant)
    if (sum) {
      sum.serviceMs += serviceMs
      sum.jobs += jobs
    } else sums.set(tenant, { tenant, serviceMs, jobs })
  }
  return [...sums.values()]
}

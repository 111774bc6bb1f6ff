import { QueueOverloaded, TenantQuotaExceeded } from '../api/errors.ts'
import type { EncodedJob } from '../pages/encode-job.ts'
import { pressureFrom, type Store, type Usage } from '../stores/store.ts'

/** From this share of a quota on, adds take longer; at all of it they are refused. */
const slowFrom = 0.9
const maxDelayMs = 1_000
/** How often the usage of tenants near their quota, and of the store, is read. */
const readEveryMs = 1_000
/** Tenants near their quota that are remembered at most; a quota of one that is forgotten is learned at its next add. */
const remembered = 10_000

interface Known extends Usage {
  /** What became free per ms, as far as it is known. */
  drainBytesPerMs: number
}

/**
 * Quotas, in three steps: the reply says how full it is, then adds take longer, then they are refused. Stores report the
 * usage of tenants above {@link pressureFrom} with each append, so that a tenant far from its quota costs nothing. Claims,
 * settlements and retries never pass here: however full a store is, it drains.
 */
export class Admission {
  readonly #store: Store
  readonly #storeBytes: number | undefined
  readonly #tenants = new Map<string, Known>()
  #storeShare = 0
  #timer: NodeJS.Timeout | undefined
  #refused = 0
  #slowed = 0

  /** `storeBytes`: waiting and scheduled bytes in the whole store at most; the last tenth is never given to adds. */
  constructor(store: Store, storeBytes: number | undefined) {
    this.#store = store
    this.#storeBytes = storeBytes
    if (storeBytes !== undefined) this.#readLater(0)
  }

  /** Adds refused and slowed so far. */
  get counts(): { refused: number; slowed: number } {
    return { refused: this.#refused, slowed: this.#slowed }
  }

  /** @throws TenantQuotaExceeded, QueueOverloaded */
  check(jobs: readonly EncodedJob[]): void {
    if (this.#storeShare >= slowFrom) {
      this.#refused += jobs.length
      throw new QueueOverloaded("The queue's store is full; nothing was stored", 5_000)
    }
    if (this.#tenants.size === 0) return
    for (const { lane, tenant } of jobs) {
      const known = this.#tenants.get(keyOf(lane, tenant))
      if (!known || shareOf(known) < 1) continue
      this.#refused += jobs.length
      const limit =
        known.maxJobs !== null && known.jobs >= known.maxJobs
          ? `${known.maxJobs} jobs`
          : `${known.maxBytes} bytes`
      throw new TenantQuotaExceeded(
        lane,
        tenant,
        `Tenant ${tenant} has its quota of ${limit} waiting in lane ${lane}; nothing was stored`,
        retryAfter(known),
      )
    }
  }

  /** False: {@link pressureOf} knows of nobody. */
  get hasPressure(): boolean {
    return this.#tenants.size > 0 || this.#storeShare >= pressureFrom
  }

  /** The fullest quota that the job's tenant has, from {@link pressureFrom} on. */
  pressureOf(lane: string, tenant: string): number | undefined {
    const known = this.#tenants.get(keyOf(lane, tenant))
    const share = Math.max(known ? shareOf(known) : 0, this.#storeShare)
    return share >= pressureFrom ? Math.min(1, share) : undefined
  }

  /** How much longer an add takes, ms. */
  delayOf(pressure: number | undefined): number {
    if (pressure === undefined || pressure < slowFrom) return 0
    this.#slowed++
    return Math.ceil(((Math.min(1, pressure) - slowFrom) / (1 - slowFrom)) * maxDelayMs)
  }

  learn(usages: readonly Usage[]): void {
    for (const usage of usages) {
      const key = keyOf(usage.lane, usage.tenant)
      const before = this.#tenants.get(key)
      if (shareOf(usage) < pressureFrom) this.#tenants.delete(key)
      else if (before || this.#tenants.size < remembered)
        this.#tenants.set(key, { ...usage, drainBytesPerMs: before?.drainBytesPerMs ?? 0 })
    }
    if (this.#tenants.size > 0) this.#readLater(readEveryMs)
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #readLater(ms: number): void {
    if (this.#timer) return
    this.#timer = setTimeout(() => void this.#read(), ms)
    this.#timer.unref()
  }

  async #read(): Promise<void> {
    const startedAt = performance.now()
    try {
      if (this.#storeBytes !== undefined)
        this.#storeShare = (await this.#store.storeUsage()).bytes / this.#storeBytes
      await this.#readTenants()
    } catch {
      // The store is away: what is known stays until it is back.
    }
    if (!this.#timer) return
    this.#timer = undefined
    if (this.#tenants.size === 0 && this.#storeBytes === undefined) return
    // Reading must not become the load: with many heads it takes long and is done less often.
    this.#readLater(Math.max(readEveryMs, 20 * (performance.now() - startedAt)))
  }

  async #readTenants(): Promise<void> {
    const known = [...this.#tenants.values()]
    if (known.length === 0) return
    const usages = await this.#store.usage(known)
    for (const usage of usages) {
      const before = this.#tenants.get(keyOf(usage.lane, usage.tenant))
      if (before) before.drainBytesPerMs = Math.max(0, (before.bytes - usage.bytes) / readEveryMs)
    }
    this.learn(usages)
  }
}

const keyOf = (lane: string, tenant: string) => `${lane}\u0000${tenant}`

const shareOf = ({ jobs, bytes, maxJobs, maxBytes }: Usage): number =>
  Math.max(
    maxJobs === null ? 0 : jobs / Math.max(1, maxJobs),
    maxBytes === null ? 0 : bytes / Math.max(1, maxBytes),
  )

/** Until a tenth of the quota is free again at the pace of the last second, from one second to half a minute. */
function retryAfter({ bytes, drainBytesPerMs }: Known): number {
  if (drainBytesPerMs === 0) return 5_000
  return Math.round(Math.min(30_000, Math.max(1_000, bytes / 10 / drainBytesPerMs)))
}

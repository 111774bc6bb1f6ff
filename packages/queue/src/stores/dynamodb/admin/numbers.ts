import type { LaneStats, TenantStats } from '../../../api/types.ts'
import { pressureFrom, type StoreUsage, type Usage } from '../../store.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { shardOf } from '../keys.ts'
import type { Controls } from './controls.ts'
import type { DeadLetters } from './dead-letters.ts'
import type { RecentAppends } from './recent-appends.ts'
import { numbersOf, type ShardNumbers, type TenantNumbers } from './shard-numbers.ts'
import type { Summaries } from './summaries.ts'

export interface Quotas {
  /** What a tenant may have waiting in a lane, unless its controls say otherwise. Default: no limit. */
  maxJobs?: number
  maxBytes?: number
}

interface Parts {
  shards: number
  cluster: Cluster
  controls: Controls
  letters: DeadLetters
  summaries: Summaries
  recent: RecentAppends
  quotas: Quotas
  now: () => number
  /** Numbers of a shard that nobody owns, from what is stored. */
  readUnowned(shard: number): Promise<ShardNumbers | undefined>
}

/** Statistics and quotas: exact for shards that this process owns, a few seconds old for those of others. */
export class Numbers {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  async stats(): Promise<LaneStats[]> {
    const { controls, letters, now } = this.#parts
    const [shards, paused, dead] = await Promise.all([this.#all(), controls.pausedLanes(), letters.counts()])
    const lanes = new Map<string, LaneStats>()
    const of = (lane: string) => {
      let stats = lanes.get(lane)
      if (!stats) {
        stats = {
          ...{ lane, waitingJobs: 0, waitingBytes: 0, scheduledJobs: 0, leasedJobs: 0, deadJobs: 0 },
          ...{ oldestAgeMs: 0, tenants: 0, paused: false },
        }
        lanes.set(lane, stats)
      }
      return stats
    }
    for (const shard of shards)
      for (const numbers of shard.lanes) {
        const stats = of(numbers.lane)
        stats.waitingJobs += numbers.waitingJobs
        stats.waitingBytes += numbers.waitingBytes
        stats.scheduledJobs += numbers.scheduledJobs
        stats.leasedJobs += numbers.leasedJobs
        stats.tenants += numbers.tenants
        if (numbers.oldestAt !== null)
          stats.oldestAgeMs = Math.max(stats.oldestAgeMs, now() - numbers.oldestAt)
      }
    for (const { lane, jobs } of dead) if (jobs > 0) of(lane).deadJobs += jobs
    for (const lane of paused) of(lane).paused = true
    return [...lanes.values()].sort((a, b) => (a.lane < b.lane ? -1 : 1))
  }

  async tenants(limit: number, of: { lane?: string; tenant?: string } = {}): Promise<TenantStats[]> {
    const shards = await this.#all(
      of.tenant === undefined ? undefined : [shardOf(of.tenant, this.#parts.shards)],
    )
    const chosen = shards
      .flatMap(({ tenants }) => tenants)
      .filter(({ lane, tenant }) => (of.lane ?? lane) === lane && (of.tenant ?? tenant) === tenant)
      .sort((a, b) => b.jobs - a.jobs)
      .slice(0, limit)
    const controls = await this.#parts.controls.readMany(chosen.map(({ tenant }) => tenant))
    return chosen.map(({ lane, tenant, jobs, bytes, oldestAt }) => {
      const { weight = 1, paused = false } = controls.get(tenant) ?? {}
      return {
        ...{
          lane,
          tenant,
          waitingJobs: jobs,
          waitingBytes: bytes,
          oldestAgeMs: Math.max(0, this.#parts.now() - oldestAt),
        },
        ...{ weight: weight ?? 1, paused: paused ?? false },
      }
    })
  }

  async usage(of: { lane: string; tenant: string }[]): Promise<Usage[]> {
    const controls = await this.#parts.controls.readMany(of.map(({ tenant }) => tenant))
    const shards = new Set(of.map(({ tenant }) => shardOf(tenant, this.#parts.shards)))
    const strange = [...shards].filter((shard) => !this.#parts.cluster.owned.has(shard))
    const told = new Map(
      await Promise.all(strange.map(async (shard) => [shard, await this.#one(shard)] as const)),
    )
    return of.map(({ lane, tenant }) => {
      const { maxJobs, maxBytes } = controls.get(tenant) ?? {}
      return this.#usage(lane, tenant, this.#waiting(lane, tenant, told), { maxJobs, maxBytes })
    })
  }

  /** Of tenants that were just appended to: those near a quota, without asking anybody. */
  async pressure(heads: { lane: string; tenant: string }[]): Promise<Usage[]> {
    const { cluster, controls, summaries, quotas } = this.#parts
    const strange = heads.some(({ tenant }) => !cluster.owned.has(shardOf(tenant, this.#parts.shards)))
    const told = strange ? await summaries.read() : new Map<number, ShardNumbers>()
    // A tenant with little waiting is not near its quota: controls are read for the others alone.
    const close = heads.filter(({ lane, tenant }) => {
      const own = cluster.owned.has(shardOf(tenant, this.#parts.shards))
      const { maxJobs = quotas.maxJobs, maxBytes = quotas.maxBytes } = own ? controls.of(tenant) : {}
      if (own) return (maxJobs ?? maxBytes) != null
      return this.#find(told.get(shardOf(tenant, this.#parts.shards)), lane, tenant) !== undefined
    })
    if (close.length === 0) return []
    const all = close.every(({ tenant }) => cluster.owned.has(shardOf(tenant, this.#parts.shards)))
      ? close.map(({ lane, tenant }) =>
          this.#usage(lane, tenant, this.#waiting(lane, tenant, told), controls.of(tenant)),
        )
      : await this.usage(close)
    return all.filter(
      ({ jobs, bytes, maxJobs, maxBytes }) =>
        (maxJobs !== null && jobs >= pressureFrom * maxJobs) ||
        (maxBytes !== null && bytes >= pressureFrom * maxBytes),
    )
  }

  async storeUsage(): Promise<StoreUsage> {
    const usage = { jobs: 0, bytes: 0 }
    for (const { lanes } of await this.#all())
      for (const { waitingJobs, waitingBytes, scheduledJobs, scheduledBytes } of lanes) {
        usage.jobs += waitingJobs + scheduledJobs
        usage.bytes += waitingBytes + scheduledBytes
      }
    return usage
  }

  #usage(
    lane: string,
    tenant: string,
    { jobs, bytes }: { jobs: number; bytes: number },
    controls: { maxJobs?: number | null | undefined; maxBytes?: number | null | undefined },
  ): Usage {
    const { quotas } = this.#parts
    return {
      ...{ lane, tenant, jobs, bytes },
      maxJobs: controls.maxJobs ?? quotas.maxJobs ?? null,
      maxBytes: controls.maxBytes ?? quotas.maxBytes ?? null,
    }
  }

  #waiting(
    lane: string,
    tenant: string,
    told: Map<number, ShardNumbers | undefined>,
  ): { jobs: number; bytes: number } {
    const shard = shardOf(tenant, this.#parts.shards)
    const own = this.#parts.cluster.owned.get(shard)
    if (own) {
      const head = own.state.findHead(lane, tenant)
      return { jobs: head?.waitingJobs ?? 0, bytes: head?.waitingBytes ?? 0 }
    }
    const numbers = told.get(shard)
    const known = this.#find(numbers, lane, tenant)
    const since = this.#parts.recent.since(numbers?.at ?? 0, lane, tenant)
    return { jobs: (known?.jobs ?? 0) + since.jobs, bytes: (known?.bytes ?? 0) + since.bytes }
  }

  #find(numbers: ShardNumbers | undefined, lane: string, tenant: string): TenantNumbers | undefined {
    return numbers?.tenants.find((one) => one.lane === lane && one.tenant === tenant)
  }

  #all(shards = [...Array(this.#parts.shards).keys()]): Promise<ShardNumbers[]> {
    return Promise.all(shards.map((shard) => this.#one(shard))).then((all) =>
      all.filter((one) => one !== undefined),
    )
  }

  async #one(shard: number): Promise<ShardNumbers | undefined> {
    const own = this.#parts.cluster.owned.get(shard)
    if (own) return numbersOf(own.state)
    return (await this.#parts.readUnowned(shard)) ?? (await this.#parts.summaries.read()).get(shard)
  }
}

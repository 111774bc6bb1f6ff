import type { LaneStats, TenantStats } from '../../api/types.ts'
import type { StoreUsage } from '../store.ts'
import { getOrMake, sumOf, type Tables, waitingIn } from './tables.ts'

export function laneStats(tables: Tables): LaneStats[] {
  const lanes = new Map<string, LaneStats>()
  const of = (lane: string) =>
    getOrMake(lanes, lane, () => ({
      lane,
      waitingJobs: 0,
      waitingBytes: 0,
      scheduledJobs: 0,
      leasedJobs: 0,
      deadJobs: 0,
      oldestAgeMs: 0,
      tenants: 0,
      paused: false,
    }))
  for (const tenant of tenantStats(tables, Number.POSITIVE_INFINITY)) {
    const stats = of(tenant.lane)
    stats.waitingJobs += tenant.waitingJobs
    stats.waitingBytes += tenant.waitingBytes
    stats.oldestAgeMs = Math.max(stats.oldestAgeMs, tenant.oldestAgeMs)
    stats.tenants++
  }
  for (const page of tables.scheduled.values()) of(page.lane).scheduledJobs += page.jobs
  for (const letter of tables.deadLetters.values()) of(letter.lane).deadJobs++
  for (const lease of tables.leases.values())
    for (const page of lease.pages.values()) of(page.lane).leasedJobs += page.jobs - page.done.length
  for (const [lane, { paused }] of tables.lanes) if (paused) of(lane).paused = true
  return [...lanes.values()].sort((a, b) => (a.lane < b.lane ? -1 : 1))
}

export function tenantStats(
  tables: Tables,
  limit: number,
  of: { lane?: string; tenant?: string } = {},
): TenantStats[] {
  const now = tables.now()
  const stats: TenantStats[] = []
  for (const head of tables.heads.values()) {
    const { lane, tenant } = head
    if ((of.lane ?? lane) !== lane || (of.tenant ?? tenant) !== tenant) continue
    const waiting = waitingIn(head)
    if (waiting.length === 0) continue
    const { weight, paused } = tables.controls.get(tenant) ?? {}
    const oldest = waiting.reduce((first, page) => Math.min(first, page.firstAt), now)
    stats.push({
      lane,
      tenant,
      waitingJobs: sumOf(waiting, (page) => page.jobs),
      waitingBytes: sumOf(waiting, (page) => page.bytes),
      oldestAgeMs: now - oldest,
      weight: weight ?? 1,
      paused: paused ?? false,
    })
  }
  return stats.sort((a, b) => b.waitingJobs - a.waitingJobs).slice(0, limit)
}

export function storeUsage(tables: Tables): StoreUsage {
  const pages = [...[...tables.heads.values()].flatMap(waitingIn), ...tables.scheduled.values()]
  return { jobs: sumOf(pages, (page) => page.jobs), bytes: sumOf(pages, (page) => page.bytes) }
}

export function remaining(tables: Tables): number {
  const leased = [...tables.leases.values()].flatMap((lease) => [...lease.pages.values()])
  return storeUsage(tables).jobs + sumOf(leased, (page) => page.jobs - page.done.length)
}

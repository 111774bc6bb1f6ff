import type { TenantControls } from '../../api/types.ts'
import type { Usage } from '../store.ts'
import { type Head, keyOfHead, sumOf, type Tables, waitingIn } from './tables.ts'

/** Members left out stay; null goes back to the default, which is kept by keeping nothing. */
export function setControls(tables: Tables, tenant: string, changes: TenantControls): void {
  const merged = { ...tables.controls.get(tenant), ...changes }
  const kept = Object.entries(merged).filter(([, value]) => value !== null && value !== undefined)
  tables.controls.set(tenant, Object.fromEntries(kept) as TenantControls)
  // A new rate holds from the next claim on, and not only after the jobs that were claimed at the old one.
  if (changes.rate !== undefined)
    for (const head of tables.heads.values()) if (head.tenant === tenant) head.pacedUntil = undefined
}

/** Jobs of a head that may run at once beyond those already granted. */
export function slotsLeft(tables: Tables, head: Head): number {
  const limit = tables.controls.get(head.tenant)?.maxInFlight ?? Number.POSITIVE_INFINITY
  return limit - sumOf(head.grants.values(), (grant) => grant)
}

/** What waits (scheduled and leased jobs do not), against the tenant's quotas or the default ones. */
export function usageOf(tables: Tables, heads: { lane: string; tenant: string }[]): Usage[] {
  return heads.map(({ lane, tenant }) => {
    const { maxJobs, maxBytes } = tables.controls.get(tenant) ?? {}
    const waiting = waitingIn(tables.heads.get(keyOfHead(lane, tenant)))
    return {
      lane,
      tenant,
      jobs: sumOf(waiting, (page) => page.jobs),
      bytes: sumOf(waiting, (page) => page.bytes),
      maxJobs: maxJobs ?? tables.quotas.maxJobs ?? null,
      maxBytes: maxBytes ?? tables.quotas.maxBytes ?? null,
    }
  })
}

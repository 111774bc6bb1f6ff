import type { LaneStats, TenantStats } from '../../api/types.ts'
import type { Usage } from '../store.ts'

/** Numbers of several stores as if they were one; where they cannot be added, those of the first count. */
export function mergeLanes(lists: LaneStats[][]): LaneStats[] {
  return merge(
    lists,
    ({ lane }) => lane,
    (a, b) => ({
      lane: a.lane,
      waitingJobs: a.waitingJobs + b.waitingJobs,
      waitingBytes: a.waitingBytes + b.waitingBytes,
      scheduledJobs: a.scheduledJobs + b.scheduledJobs,
      leasedJobs: a.leasedJobs + b.leasedJobs,
      deadJobs: a.deadJobs + b.deadJobs,
      oldestAgeMs: Math.max(a.oldestAgeMs, b.oldestAgeMs),
      tenants: Math.max(a.tenants, b.tenants),
      paused: a.paused || b.paused,
    }),
  ).sort((a, b) => (a.lane < b.lane ? -1 : 1))
}

export function mergeTenants(lists: TenantStats[][]): TenantStats[] {
  return merge(lists, headOf, (a, b) => ({
    ...a,
    waitingJobs: a.waitingJobs + b.waitingJobs,
    waitingBytes: a.waitingBytes + b.waitingBytes,
    oldestAgeMs: Math.max(a.oldestAgeMs, b.oldestAgeMs),
    paused: a.paused || b.paused,
  })).sort((a, b) => b.waitingJobs - a.waitingJobs)
}

export function mergeUsage(lists: Usage[][]): Usage[] {
  return merge(lists, headOf, (a, b) => ({ ...a, jobs: a.jobs + b.jobs, bytes: a.bytes + b.bytes }))
}

const headOf = ({ lane, tenant }: { lane: string; tenant: string }) => JSON.stringify([lane, tenant])

function merge<Row>(lists: Row[][], keyOf: (row: Row) => string, add: (a: Row, b: Row) => Row): Row[] {
  const rows = new Map<string, Row>()
  for (const row of lists.flat()) {
    const key = keyOf(row)
    const known = rows.get(key)
    rows.set(key, known ? add(known, row) : row)
  }
  return [...rows.values()]
}

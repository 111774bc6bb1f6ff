import type { ShardState } from '../shard/state.ts'

/** What a shard holds, in numbers that may be added up. */
export interface ShardNumbers {
  /** By the store's clock. */
  at: number
  lanes: {
    lane: string
    waitingJobs: number
    waitingBytes: number
    scheduledJobs: number
    scheduledBytes: number
    leasedJobs: number
    /** Of the waiting ones, those of tenants that could be served now. */
    claimableJobs: number
    tenants: number
    /** When the oldest waiting job first became ready; null: none waits. */
    oldestAt: number | null
  }[]
  /** Most waiting jobs first. */
  tenants: TenantNumbers[]
}

export interface TenantNumbers {
  lane: string
  tenant: string
  jobs: number
  bytes: number
  oldestAt: number
}

export function numbersOf(state: ShardState): ShardNumbers {
  const lanes = new Map<string, ShardNumbers['lanes'][number]>()
  const of = (lane: string) => {
    let numbers = lanes.get(lane)
    if (!numbers) {
      numbers = {
        ...{ lane, waitingJobs: 0, waitingBytes: 0, scheduledJobs: 0, scheduledBytes: 0, leasedJobs: 0 },
        ...{ claimableJobs: 0, tenants: 0, oldestAt: null },
      }
      lanes.set(lane, numbers)
    }
    return numbers
  }
  const tenants: TenantNumbers[] = []
  for (const head of state.heads.values()) {
    if (head.waitingJobs === 0) continue
    let oldestAt = head.overflow.oldest()
    for (const { queue } of head.streams.values()) oldestAt = Math.min(oldestAt, queue.oldest())
    const { lane, tenant, waitingJobs: jobs, waitingBytes: bytes } = head
    tenants.push({ lane, tenant, jobs, bytes, oldestAt })
    const numbers = of(lane)
    numbers.waitingJobs += jobs
    numbers.waitingBytes += bytes
    numbers.tenants++
    if (head.heapIndex >= 0) numbers.claimableJobs += jobs
    numbers.oldestAt = Math.min(numbers.oldestAt ?? oldestAt, oldestAt)
  }
  for (const [lane, { jobs, bytes }] of state.scheduled) {
    if (jobs === 0) continue
    of(lane).scheduledJobs += jobs
    of(lane).scheduledBytes += bytes
  }
  for (const lease of state.leases.values())
    for (const page of lease.pages.values()) of(page.lane).leasedJobs += page.jobs - page.done.length
  tenants.sort((a, b) => b.jobs - a.jobs)
  return { at: state.around.now(), lanes: [...lanes.values()], tenants }
}

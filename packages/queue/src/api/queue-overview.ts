import type { LaneStats, WaitingTenant } from './types.ts'

/** How the queue is doing, over all processes. Rates and times are of about the last minute. */
export interface QueueOverview {
  lanes: LaneOverview[]
  /** Adds that quotas refused or slowed since the processes started: those with a worker, and this one. */
  admission: { refused: number; slowed: number }
  /** Bytes by account, over the same processes. */
  memory: Record<string, { used: number; limit: number }>
  /** Processes that the numbers come from. */
  processes: number
  /** This process alone: counts that only grow. */
  own: Pick<QueueOverview, 'admission' | 'memory'>
}

/** {@link LaneStats} (what is stored, `oldestAgeMs` since the first attempt became possible), and what goes on. */
export interface LaneOverview extends LaneStats {
  /** Time from ready to run, ms, up to a fifth too long; null when nothing ran. */
  dwellP50Ms: number | null
  dwellP99Ms: number | null
  /** Handler calls in slots at once, on average. (`leasedJobs` counts those that workers hold in memory, too.) */
  inFlight: number
  /** Handler calls that wait for somebody else and hold no slot, now, and for how long one of them has, ms. */
  waitingCalls: number
  longestCallMs: number
  /** Whose they are: the 20 tenants of each process that have waited longest. */
  waitingTenants: WaitingTenant[]
  /** Jobs a second that ended for good: completed or dead. */
  perSecond: number
  retriedPerSecond: number
  deadPerSecond: number
  /**
   * Until nothing waits, ms, at the pace at which waiting jobs became fewer between this process's readings of the last
   * minute. Null at the first reading and while they do not become fewer; 0 when nothing waits.
   */
  drainMs: number | null
  /**
   * Jain's index of service time by weight, of the tenants that have work waiting and are not paused (the 1,000 with most):
   * 1 when each got its share, near 0 when few got all. Tenants outside the top of every process count as having got equal
   * parts of `other`; those with a limit of their own get less by intent. Null with fewer than two, or when nothing ran.
   */
  fairness: number | null
  /** The 20 tenants with most service time. */
  shares: TenantShare[]
  /** All others together. */
  otherShare: Omit<TenantShare, 'tenant'>
}

export interface TenantShare {
  tenant: string
  /** Time its calls held a slot, ms. A lower bound when the tenant is not among the first 20 of each process. */
  serviceMs: number
  /** Of the lane's service time, 0 to 1. */
  share: number
  jobs: number
}

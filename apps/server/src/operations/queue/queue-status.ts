import type { LaneOverview, TenantStats } from '@fairway/queue'
import type { App } from '../../platform/app.ts'
import { SharedResults } from '../../platform/capacity/shared-result.ts'
import type { TimeInQueue } from '../../platform/capacity/time-in-queue.ts'
import { memoizePerObject } from '../../platform/memoize-per-object.ts'

/** What waits in one lane, of one project or of all. */
export interface LaneStatus {
  lane: string
  waiting: number
  waitingBytes: number
  /** Age of the oldest waiting job since it could first have run: retries do not make it young. 0 when nothing waits. */
  oldestAgeMs: number
  /** Of jobs that this process took lately; null when there were none. */
  timeInQueue: TimeInQueue | null
}

export interface QueueSnapshot {
  lanes: LaneOverview[]
  byProject: Map<string, TenantStats[]>
}

export const lanes = ['ingest', 'transactional', 'automation', 'bulk', 'webhooks'] as const

const snapshotMs = 3_000
/** Projects with less waiting than these 10,000 show as having nothing waiting. */
const tenantsRead = 10_000
/** Work that waits for longer asks for a person: people wait for transactional mail. */
const delayedMs = (lane: string) => (lane === 'transactional' ? 60_000 : 300_000)

export const isDelayed = ({ lane, oldestAgeMs }: Pick<LaneStatus, 'lane' | 'oldestAgeMs'>): boolean =>
  oldestAgeMs >= delayedMs(lane)

const snapshotsOf = memoizePerObject((app: App) => new SharedResults<QueueSnapshot>(app.now))

/** One reading of the whole queue for all consoles: its cost doesn't grow with the people who look. */
export function readSnapshot(app: App): Promise<QueueSnapshot> {
  return snapshotsOf(app).get('queue', snapshotMs, async () => {
    const [overview, tenants] = await Promise.all([app.queue.overview(), app.queue.tenants(tenantsRead)])
    const byProject = new Map<string, TenantStats[]>()
    for (const tenant of tenants)
      byProject.set(tenant.tenant, [...(byProject.get(tenant.tenant) ?? []), tenant])
    return {
      lanes: overview.lanes.filter(({ lane }) => (lanes as readonly string[]).includes(lane)),
      byProject,
    }
  })
}

/** The project's waiting work in every lane, a few seconds old. */
export async function projectLanes(app: App, projectId: number): Promise<LaneStatus[]> {
  const { byProject } = await readSnapshot(app)
  return laneStatuses(app, projectId, byProject.get(String(projectId)) ?? [])
}

/** Every lane, of what the queue says of those where something of the project waits. */
export const laneStatuses = (app: App, projectId: number, own: TenantStats[]): LaneStatus[] =>
  lanes.map((lane) => {
    const stats = own.find((tenant) => tenant.lane === lane)
    return {
      lane,
      waiting: stats?.waitingJobs ?? 0,
      waitingBytes: stats?.waitingBytes ?? 0,
      oldestAgeMs: Math.round(stats?.oldestAgeMs ?? 0),
      timeInQueue: app.timesInQueue.read(lane, String(projectId)) ?? null,
    }
  })

export interface QueueStatus {
  /** The whole installation. */
  lanes: (Omit<LaneStatus, 'timeInQueue'> & {
    scheduled: number
    running: number
    dead: number
    projects: number
  })[]
  /** Only projects that the caller may see, and only lanes where something waits. */
  projects: (LaneStatus & { projectId: number; name: string; weight: number })[]
}

/** The queue's lanes, and the waiting work of these projects. */
export async function queueStatus(app: App, projects: { id: number; name: string }[]): Promise<QueueStatus> {
  const snapshot = await readSnapshot(app)
  return {
    lanes: lanes.map((lane) => {
      const stats = snapshot.lanes.find((one) => one.lane === lane)
      return {
        lane,
        waiting: stats?.waitingJobs ?? 0,
        waitingBytes: stats?.waitingBytes ?? 0,
        oldestAgeMs: Math.round(stats?.oldestAgeMs ?? 0),
        scheduled: stats?.scheduledJobs ?? 0,
        running: stats?.leasedJobs ?? 0,
        dead: stats?.deadJobs ?? 0,
        projects: stats?.tenants ?? 0,
      }
    }),
    projects: projects.flatMap(({ id, name }) =>
      (snapshot.byProject.get(String(id)) ?? []).map((stats) => ({
        projectId: id,
        name,
        lane: stats.lane,
        waiting: stats.waitingJobs,
        waitingBytes: stats.waitingBytes,
        oldestAgeMs: Math.round(stats.oldestAgeMs),
        timeInQueue: app.timesInQueue.read(stats.lane, String(id)) ?? null,
        weight: stats.weight,
      })),
    ),
  }
}

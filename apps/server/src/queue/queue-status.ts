import type { LaneStats, TenantStats } from '@fairway/queue'
import type { App } from '../app.ts'
import type { TimeInQueue } from '../capacity/time-in-queue.ts'
import { SharedResults } from './shared-result.ts'

/** What waits in one lane, of one project or of all. */
export interface LaneStatus {
  lane: string
  waiting: number
  waitingBytes: number
  oldestAgeMs: number
  /** Of jobs that this process took lately; null when there were none. */
  timeInQueue: TimeInQueue | null
}

interface Snapshot {
  lanes: LaneStats[]
  byProject: Map<string, TenantStats[]>
}

const lanes = ['ingest', 'transactional', 'automation', 'bulk', 'webhooks']
const snapshotMs = 3_000
/** Projects with less waiting than these 10,000 show as having nothing waiting. */
const tenantsRead = 10_000

const snapshots = new WeakMap<App, SharedResults<Snapshot>>()

/** One reading of the whole queue for all consoles: its cost doesn't grow with the people who look. */
function readSnapshot(app: App): Promise<Snapshot> {
  let shared = snapshots.get(app)
  if (!shared) {
    shared = new SharedResults(app.now)
    snapshots.set(app, shared)
  }
  return shared.get('queue', snapshotMs, async () => {
    const [stats, tenants] = await Promise.all([app.queue.stats(), app.queue.tenants(tenantsRead)])
    const byProject = new Map<string, TenantStats[]>()
    for (const tenant of tenants)
      byProject.set(tenant.tenant, [...(byProject.get(tenant.tenant) ?? []), tenant])
    return { lanes: stats.filter(({ lane }) => lanes.includes(lane)), byProject }
  })
}

/** The project's waiting work in every lane. */
export async function projectLanes(app: App, projectId: number): Promise<LaneStatus[]> {
  const { byProject } = await readSnapshot(app)
  const own = byProject.get(String(projectId)) ?? []
  return lanes.map((lane) => {
    const stats = own.find((tenant) => tenant.lane === lane)
    return {
      lane,
      waiting: stats?.waitingJobs ?? 0,
      waitingBytes: stats?.waitingBytes ?? 0,
      oldestAgeMs: Math.round(stats?.oldestAgeMs ?? 0),
      timeInQueue: app.timesInQueue.read(lane, String(projectId)) ?? null,
    }
  })
}

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

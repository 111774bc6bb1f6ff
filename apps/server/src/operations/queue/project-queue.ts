import type { LaneOverview, TenantControls } from '@fairway/queue'
import { type Retrying, readRetrying } from '../../messaging/sending/retrying.ts'
import { readWaiting, type WaitingMail } from '../../messaging/sending/waiting.ts'
import type { App } from '../../platform/app.ts'
import { slowedFrom } from '../../platform/capacity/admission-counts.ts'
import { memoizePerObject } from '../../platform/memoize-per-object.ts'
import { type Drain, Drains } from './drain.ts'
import { isDelayed, type LaneStatus, laneStatuses, lanes, readSnapshot } from './queue-status.ts'
import { type RetryingJobs, readRetryingJobs } from './retrying-jobs.ts'

/** A project's work in the queue, and how it is treated. Tells nothing of other projects. */
export interface ProjectQueue {
  /** Nothing of the project is handed out; adding goes on. */
  paused: boolean
  limits: ProjectLimits
  lanes: ProjectLane[]
  /** Mail that could not be sent yet, and comes back for another try. */
  retrying: Retrying
  /** Mail that can't leave as the project is now. */
  waiting: WaitingMail
  /** Other work that failed and comes back for another try. */
  retryingJobs: RetryingJobs
  /** The process that does the work, where it is of the same server; else null. */
  worker: ProcessStatus | null
  /** The process that answers; null without a supervisor. */
  api: ProcessStatus | null
}

export interface ProcessStatus {
  state: 'running' | 'restarting'
  /** How often it hung or died and was replaced, since the server started. */
  replaced: number
}

/** In each lane; null is without a limit. */
export type ProjectLimits = { weight: number } & Record<
  'maxInFlight' | 'rate' | 'maxJobs' | 'maxBytes',
  number | null
>

export interface ProjectLane extends LaneStatus {
  /** The operator paused the lane, for every project. */
  lanePaused: boolean
  /** The oldest waits longer than it should, and nothing is paused. */
  delayed: boolean
  /** Of the handler time that the lane gave in the last minute, 0 to 1. Null: not among the 20 projects with most. */
  serviceShare: number | null
  /** Handler calls at once, on average over the last minute; null as above. */
  inFlight: number | null
  /** Jobs run a second, over the last minute, retries included; null as above. */
  perSecond: number | null
  /** Handler calls that wait for another server (mail: for the answer of the project's mail server), and the longest of them, ms. */
  waitingCalls: number
  longestCallMs: number
  drain: Drain
  quota: Quota | null
  /** Items that this process refused and slowed in the last minute, because a quota or the store was full. */
  refused: number
  slowed: number
}

export interface Quota {
  /** Of its fullest quota, what is waiting: 0 to 1. */
  used: number
  /** What happens to items that arrive. */
  state: 'open' | 'slowed' | 'full'
}

/** (lane, project) pairs: one per lane. */
const lanesRead = 100

const drainsOf = memoizePerObject((_: App) => new Drains())

/** The project's numbers are of now, the lanes' own (who is served) up to a few seconds old. */
export async function readProjectQueue(app: App, projectId: number): Promise<ProjectQueue> {
  const tenant = String(projectId)
  const [own, controls, snapshot, retrying, waiting, retryingJobs] = await Promise.all([
    app.queue.tenants(lanesRead, { tenant }),
    app.queue.controls(tenant),
    readSnapshot(app),
    readRetrying(app, projectId, { now: app.now() }),
    readWaiting(app, app.config, projectId),
    readRetryingJobs(app, projectId),
  ])
  const paused = controls.paused === true
  const statuses = laneStatuses(app, projectId, own)
  const overviews = new Map(snapshot.lanes.map((lane) => [lane.lane, lane]))
  const isPaused = (lane: string) => paused || overviews.get(lane)?.paused === true
  const drain = drainsOf(app).read(
    projectId,
    statuses.map(({ lane, waiting }) => ({ lane, waiting, paused: isPaused(lane) })),
    app.now().getTime(),
  )
  return {
    paused,
    limits: limitsOf(controls),
    retrying,
    waiting,
    retryingJobs,
    worker: processStatus(app, 'worker'),
    api: processStatus(app, 'api'),
    lanes: statuses.map((status, index) => ({
      ...status,
      lanePaused: overviews.get(status.lane)?.paused ?? false,
      delayed: !isPaused(status.lane) && isDelayed(status),
      ...serviceOf(overviews.get(status.lane), tenant),
      ...waitingOf(overviews.get(status.lane), tenant),
      drain: drain[index]!,
      quota: quotaOf(status, controls),
      // Items are refused where they come in, and nowhere else.
      ...(status.lane === lanes[0] ? app.admissions.read(projectId) : { refused: 0, slowed: 0 }),
    })),
  }
}

function processStatus({ processes }: App, role: 'worker' | 'api'): ProcessStatus | null {
  const process = processes.states.find((each) => each.role === role)
  if (!process) return null
  return { state: process.state === 'running' ? 'running' : 'restarting', replaced: process.replaced }
}

export const limitsOf = ({
  weight,
  maxInFlight,
  rate,
  maxJobs,
  maxBytes,
}: TenantControls): ProjectLimits => ({
  weight: weight ?? 1,
  maxInFlight: maxInFlight ?? null,
  rate: rate ?? null,
  maxJobs: maxJobs ?? null,
  maxBytes: maxBytes ?? null,
})

type Service = Pick<ProjectLane, 'serviceShare' | 'inFlight' | 'perSecond'>

const idle: Service = { serviceShare: 0, inFlight: 0, perSecond: 0 }
const notAmongTheFirst: Service = { serviceShare: null, inFlight: null, perSecond: null }

/** Of 20 projects whose calls wait longest; others have none that is worth a word. */
function waitingOf(lane: LaneOverview | undefined, tenant: string) {
  const own = lane?.waitingTenants.find((waiting) => waiting.tenant === tenant)
  return { waitingCalls: own?.calls ?? 0, longestCallMs: own?.longestMs ?? 0 }
}

/** The project's part of what the lane did. */
export function serviceOf(lane: LaneOverview | undefined, tenant: string): Service {
  if (!lane || lane.inFlight === 0) return idle
  const own = lane.shares.find((share) => share.tenant === tenant)
  if (!own) return lane.otherShare.jobs > 0 ? notAmongTheFirst : idle
  const totalMs = lane.shares.reduce((sum, { serviceMs }) => sum + serviceMs, lane.otherShare.serviceMs)
  // The lane's numbers are over its window, which is a minute or a little less: service time by calls at once.
  const windowMs = totalMs / lane.inFlight
  return {
    serviceShare: own.share,
    inFlight: own.share * lane.inFlight,
    perSecond: windowMs > 0 ? (own.jobs / windowMs) * 1_000 : 0,
  }
}

function quotaOf({ waiting, waitingBytes }: LaneStatus, { maxJobs, maxBytes }: TenantControls): Quota | null {
  const shares = [
    ...(maxJobs == null ? [] : [waiting / Math.max(1, maxJobs)]),
    ...(maxBytes == null ? [] : [waitingBytes / Math.max(1, maxBytes)]),
  ]
  if (shares.length === 0) return null
  const used = Math.min(1, Math.max(...shares))
  return { used, state: used >= 1 ? 'full' : used >= slowedFrom ? 'slowed' : 'open' }
}

export async function pauseProject(app: App, projectId: number, paused: boolean): Promise<ProjectQueue> {
  const what = { tenant: String(projectId) }
  await (paused ? app.queue.pause(what) : app.queue.resume(what))
  app.log.info({ projectId, paused }, paused ? "the project's work was paused" : "the project's work goes on")
  return readProjectQueue(app, projectId)
}

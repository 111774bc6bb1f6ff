import { type Static, Type } from 'typebox'
import { Counted, Json, nullable, Time } from './basics.ts'
import { Retrying, WaitingMail } from './sending.ts'

const waitingWork = {
  lane: Type.String(),
  waiting: Type.Integer({ description: 'Jobs' }),
  waitingBytes: Type.Integer(),
  oldestAgeMs: Type.Integer({ description: '0 when nothing waits' }),
}

/** What waits in a lane. */
export const LaneStatus = Type.Object({
  ...waitingWork,
  timeInQueue: nullable(
    Type.Object({ jobs: Type.Integer(), p50Ms: Type.Number(), p99Ms: Type.Number() }),
    'How long jobs waited that the answering process ran lately; null when there were none',
  ),
})
export type LaneStatus = Static<typeof LaneStatus>

/** A project's work in one lane of the queue. */
export const ProjectLane = Type.Object({
  ...LaneStatus.properties,
  lanePaused: Type.Boolean({ description: 'The operator paused the lane, for every project' }),
  delayed: Type.Boolean({ description: 'The oldest waits longer than it should, and nothing is paused' }),
  serviceShare: nullable(
    Type.Number(),
    'Of the time that the lane gave in the last minute, 0 to 1. Null: not among the 20 projects with most',
  ),
  inFlight: nullable(Type.Number(), 'Calls of handlers at once, over the last minute; null as above'),
  perSecond: nullable(Type.Number(), 'Jobs run a second, over the last minute; null as above'),
  waitingCalls: Type.Integer({ description: 'Calls that wait for another server' }),
  longestCallMs: Type.Number({ description: 'For how long one of them has' }),
  drain: Type.Object({
    state: Type.Enum(['empty', 'paused', 'unknown', 'draining', 'not_draining']),
    ms: nullable(Type.Number()),
  }),
  quota: nullable(
    Type.Object({
      used: Type.Number({ description: 'Of its fullest quota, what is waiting: 0 to 1' }),
      state: Type.Enum(['open', 'slowed', 'full'], { description: 'What happens to items that arrive' }),
    }),
  ),
  refused: Type.Integer({ description: 'Items that this process refused in the last minute' }),
  slowed: Type.Integer({ description: 'Items that it slowed' }),
})
export type ProjectLane = Static<typeof ProjectLane>

/** Work other than mail that failed and is tried again. */
export const RetryingJobs = Type.Object({
  ...Counted.properties,
  latest: Type.Array(
    Type.Object({
      lane: Type.String(),
      name: Type.String({ description: 'Kind of job: `item`, `task`' }),
      id: Type.String(),
      attempts: Type.Integer(),
      reason: Type.String(),
      triedAt: Time,
      nextTryAt: Time,
    }),
    { description: 'Those tried last; twenty at most' },
  ),
})
export type RetryingJobs = Static<typeof RetryingJobs>

export const ProcessStatus = Type.Object({
  state: Type.Enum(['running', 'restarting']),
  replaced: Type.Integer({
    description: 'How often it hung or died and was replaced, since the server started',
  }),
})
export type ProcessStatus = Static<typeof ProcessStatus>

export const ProjectQueue = Type.Object({
  paused: Type.Boolean({ description: 'Nothing of the project is handed out; adding goes on' }),
  limits: Type.Object({
    weight: Type.Number(),
    maxInFlight: nullable(Type.Number()),
    rate: nullable(Type.Number()),
    maxJobs: nullable(Type.Number()),
    maxBytes: nullable(Type.Number()),
  }),
  lanes: Type.Array(ProjectLane),
  retrying: Retrying,
  waiting: WaitingMail,
  retryingJobs: RetryingJobs,
  worker: nullable(ProcessStatus, 'Null where workers run on other machines'),
  api: nullable(ProcessStatus, 'The process that answers'),
})
export type ProjectQueue = Static<typeof ProjectQueue>

/** A job that failed for good. */
export const DeadLetter = Type.Object({
  ref: Type.String({ description: 'Names it in the other routes' }),
  id: Type.String({ description: "The job's own id" }),
  lane: Type.String(),
  name: Type.String(),
  attempts: Type.Integer(),
  reason: Type.String(),
  diedAt: Time,
})
export type DeadLetter = Static<typeof DeadLetter>

export const DeadLetterDetail = Type.Object({ ...DeadLetter.properties, data: Json })
export type DeadLetterDetail = Static<typeof DeadLetterDetail>

export const Redriven = Type.Object({ redriven: Type.Integer() })
export type Redriven = Static<typeof Redriven>

export const Discarded = Type.Object({ discarded: Type.Integer() })
export type Discarded = Static<typeof Discarded>

/** The queue as a whole. */
export const QueueStatus = Type.Object({
  lanes: Type.Array(
    Type.Object({
      ...waitingWork,
      scheduled: Type.Integer(),
      running: Type.Integer(),
      dead: Type.Integer(),
      projects: Type.Integer(),
    }),
    { description: 'Of the whole installation' },
  ),
  projects: Type.Array(
    Type.Object({
      ...LaneStatus.properties,
      projectId: Type.Integer(),
      name: Type.String(),
      weight: Type.Number(),
    }),
    { description: 'Yours, where something waits' },
  ),
})
export type QueueStatus = Static<typeof QueueStatus>

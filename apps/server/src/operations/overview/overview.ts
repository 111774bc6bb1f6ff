import { type PartitionTrouble, partitionTrouble } from '../../audience/events/partition-rights.ts'
import { type CountedState, countedStateSql, countsByState } from '../../messaging/messages/state.ts'
import { readSendingState, type SendingState } from '../../messaging/sending/holds.ts'
import { type Retrying, readRetrying } from '../../messaging/sending/retrying.ts'
import { describeWaiting, readWaiting, type WaitingMail } from '../../messaging/sending/waiting.ts'
import type { App } from '../../platform/app.ts'
import type { Reading } from '../../platform/capacity/expensive-reads.ts'
import { SharedResults } from '../../platform/capacity/shared-result.ts'
import { memoizePerObject } from '../../platform/memoize-per-object.ts'
import { isDelayed, type LaneStatus, projectLanes } from '../queue/queue-status.ts'
import { type RetryingJobs, readRetryingJobs } from '../queue/retrying-jobs.ts'

export interface Overview {
  /** One point an hour, oldest first, the current hour last. Messages count in the hour in which they were created. */
  series: { at: Date; events: number; sent: number; kept: number; failed: number }[]
  /** `people` is all of them: exact below 10,000, above it the database's estimate. The others are of the range. */
  totals: { people: number; events: number; sent: number; kept: number }
  messageStates: States
  queue: LaneStatus[]
  /** What could not be sent yet, whenever it was made. */
  retrying: Retrying
  /** What can't leave as the project is now, whenever it was made. */
  waiting: WaitingMail
  attention: Attention[]
}

/** Something that a person should look at. */
export interface Attention {
  kind:
    | 'messages_waiting'
    | 'messages_retrying'
    | 'messages_failed'
    | 'messages_unknown'
    | 'items_rejected'
    | 'jobs_retrying'
    | 'jobs_dead'
    | 'work_delayed'
    | 'work_paused'
    | 'sending_held'
    | 'events_not_stored_soon'
  /** One sentence. */
  title: string
  count: number
}

export const maxRangeHours = 720
/** A longer range costs more to read and changes less: the result is shared this long per hour of range. */
const sharedMsPerHour = 150
const minSharedMs = 3_000
const hourMs = 3_600_000
const exactPeople = 10_000
const countedDeadLetters = 100

const resultsOf = memoizePerObject((app: App) => new SharedResults<Overview>(app.now))

/** The project in the last `hours` (1–720), at most a few seconds old. */
export function readOverview(app: App, projectId: number, hours: number): Promise<Overview> {
  const sharedMs = Math.max(minSharedMs, hours * sharedMsPerHour)
  const read = { projectId, narrow: 'Ask for fewer `hours`.' }
  // Goes on without whoever asked first: others may wait for the same.
  return resultsOf(app).get(`${projectId}:${hours}`, sharedMs, () =>
    app.expensiveReads.run(read, (seat) => readAll(app, seat, projectId, hours)),
  )
}

async function readAll(app: App, seat: Reading, projectId: number, hours: number): Promise<Overview> {
  const thisHour = Math.floor(app.now().getTime() / hourMs) * hourMs
  const since = new Date(thisHour - (hours - 1) * hourMs)
  const [
    { events, rejected },
    messages,
    people,
    queue,
    retrying,
    waiting,
    retryingJobs,
    dead,
    { paused = false },
    { held },
    trouble,
  ] = await Promise.all([
    readCounters(seat, projectId, since),
    messagesPerHour(seat, projectId, since),
    countPeople(seat, projectId),
    projectLanes(app, projectId),
    readRetrying(seat, projectId, { now: app.now() }),
    readWaiting(seat, app.config, projectId),
    readRetryingJobs(seat, projectId),
    app.queue.deadLetters({ tenant: String(projectId), limit: countedDeadLetters, withData: false }),
    app.queue.controls(String(projectId)),
    readSendingState(app, projectId),
    partitionTrouble(app.pool),
  ])
  const series = Array.from({ length: hours }, (_, index) => {
    const at = since.getTime() + index * hourMs
    const states = messages.get(at)
    return {
      at: new Date(at),
      events: events.get(at) ?? 0,
      sent: states?.sent ?? 0,
      kept: states?.kept ?? 0,
      failed: states?.failed ?? 0,
    }
  })
  const states = sumStates([...messages.values()])
  return {
    series,
    totals: {
      people,
      events: series.reduce((sum, point) => sum + point.events, 0),
      sent: states.sent,
      kept: states.kept,
    },
    messageStates: states,
    queue,
    retrying,
    waiting,
    attention: listAttention({
      states,
      queue,
      retrying,
      waiting,
      retryingJobs,
      rejected,
      dead: dead.length,
      paused: paused === true,
      held,
      trouble,
    }),
  }
}

/** Events stored and items rejected, by the hour of their acceptance (epoch ms), as processing counts them. */
async function readCounters(seat: Reading, projectId: number, since: Date) {
  const { rows } = await seat.pool.query<{ name: 'events' | 'rejected'; hour: Date; value: number }>(
    `select name, hour, value from counters
     where project_id = $1 and name in ('events', 'rejected') and hour >= $2`,
    [projectId, since],
  )
  const events = new Map<number, number>()
  let rejected = 0
  for (const { name, hour, value } of rows) {
    if (name === 'events') events.set(hour.getTime(), value)
    else rejected += value
  }
  return { events, rejected }
}

type States = Record<CountedState, number>

async function messagesPerHour(seat: Reading, projectId: number, since: Date): Promise<Map<number, States>> {
  const { rows } = await seat.pool.query<{ hour: Date; state: CountedState; count: number }>(
    `select date_trunc('hour', created_at, 'UTC') as hour, ${countedStateSql} as state, count(*) as count from messages
     where project_id = $1 and created_at >= $2 group by 1, 2`,
    [projectId, since],
  )
  const hours = new Map<number, States>()
  for (const { hour, state, count } of rows) {
    const states = hours.get(hour.getTime()) ?? sumStates([])
    states[state] = count
    hours.set(hour.getTime(), states)
  }
  return hours
}

const sumStates = (all: States[]): States =>
  countsByState((state) => all.reduce((sum, states) => sum + states[state], 0))

/** Counting a million rows for a figure on a screen would cost more than it tells: the planner knows well enough. */
async function countPeople(seat: Reading, projectId: number): Promise<number> {
  const counted = await seat.pool.query<{ count: number }>(
    'select count(*) as count from (select 1 from people where project_id = $1 limit $2) as first_people',
    [projectId, exactPeople],
  )
  const exact = counted.rows[0]!.count
  if (exact < exactPeople) return exact
  const { rows } = await seat.pool.query<{ 'QUERY PLAN': [{ Plan: { 'Plan Rows': number } }] }>(
    'explain (format json) select 1 from people where project_id = $1',
    [projectId],
  )
  return Math.max(exactPeople, rows[0]!['QUERY PLAN'][0].Plan['Plan Rows'])
}

function listAttention(found: {
  states: States
  queue: LaneStatus[]
  retrying: Retrying
  waiting: WaitingMail
  retryingJobs: RetryingJobs
  rejected: number
  dead: number
  paused: boolean
  held: SendingState['held']
  trouble: PartitionTrouble | undefined
}): Attention[] {
  const { states, queue, retrying, waiting, retryingJobs, rejected, dead, paused, held, trouble } = found
  const waits = describeWaiting(waiting)
  // Of paused work everybody knows why it waits.
  const delayed = paused ? [] : queue.filter(isDelayed)
  const list: Attention[] = [
    {
      kind: 'sending_held',
      count: held ? 1 : 0,
      title: `Nothing is sent until you confirm. ${held?.reason}`,
    },
    {
      kind: 'events_not_stored_soon',
      count: trouble ? 1 : 0,
      title: `Events after ${trouble?.until.toISOString().slice(0, 10)} can't be stored until whoever runs the server allows it: ${trouble?.reason}`,
    },
    {
      kind: 'messages_waiting',
      count: waits ? Math.max(1, waiting.live.count + waiting.server.count) : 0,
      title: waits ?? '',
    },
    {
      kind: 'messages_retrying',
      count: retrying.count,
      title: `${counted(retrying.count, 'message', retrying.more ? retrying.count : undefined)} could not be sent yet: ${plainReason(retrying)}.`,
    },
    {
      kind: 'messages_failed',
      count: states.failed,
      title: `${counted(states.failed, 'message')} failed for good in this range.`,
    },
    {
      kind: 'messages_unknown',
      count: states.unknown,
      title: `${counted(states.unknown, 'message')} may or may not have left: say what became of them.`,
    },
    {
      kind: 'items_rejected',
      count: rejected,
      title: `${counted(rejected, 'accepted item')} could not be processed.`,
    },
    {
      kind: 'jobs_retrying',
      count: retryingJobs.count,
      title: `${counted(retryingJobs.count, 'job', retryingJobs.more ? retryingJobs.count : undefined)} failed and ${retryingJobs.count === 1 ? 'is' : 'are'} tried again: ${withoutStop(retryingJobs.latest[0]?.reason)}.`,
    },
    {
      kind: 'jobs_dead',
      count: dead,
      title: `${counted(dead, 'job', countedDeadLetters)} failed too often and stopped being tried.`,
    },
    {
      kind: 'work_delayed',
      count: delayed.length,
      title: `Work in ${delayed.map(({ lane }) => lane).join(', ')} waits longer than it should.`,
    },
    {
      kind: 'work_paused',
      count: paused ? 1 : 0,
      title: "The project's work is paused: it is accepted and kept, and nothing of it runs.",
    },
  ]
  return list.filter(({ count }) => count > 0)
}

/** What hinders most of them. */
const plainReason = ({ reasons }: Retrying) =>
  withoutStop(reasons[0]?.reason.replace(/^will be tried again: /, ''))

const withoutStop = (text = '') => text.replace(/\.$/, '')

function counted(count: number, noun: string, most = Number.POSITIVE_INFINITY): string {
  const number = new Intl.NumberFormat('en').format(count)
  return `${number}${count >= most ? ' or more' : ''} ${noun}${count === 1 ? '' : 's'}`
}

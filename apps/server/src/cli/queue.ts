import type { DeadLetterFilter, QueueOverview, TenantControls, TenantStats } from '@fairway/queue'
import { isCanary } from '../http/canary.ts'
import { type Retrying, readRetrying } from '../messaging/sending/retrying.ts'
import { describeWaiting, readWaiting } from '../messaging/sending/waiting.ts'
import { type RetryingJobs, readRetryingJobs } from '../operations/queue/retrying-jobs.ts'
import { findProject } from './project.ts'
import { table } from './table.ts'
import { withApp } from './with-app.ts'
import { WrongArguments } from './wrong-arguments.ts'

interface Output {
  json?: boolean
}

/** With the project's share of the lane's handler time of the last minute, 0 to 1; null when it is not among the first 20. */
type Waiting = TenantStats & { share: number | null }

const seconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`
const orDash = <T>(value: T | null, show: (value: T) => string) => (value === null ? '-' : show(value))

export async function queueStatsCommand({ json }: Output): Promise<void> {
  const overview = await withApp((app) => app.queue.overview())
  const lanes = overview.lanes.filter(({ lane }) => !isCanary(lane))
  if (json) return console.log(JSON.stringify({ lanes }))
  if (lanes.length === 0) return console.log('The queue is empty.')
  console.log(
    table(
      [
        'lane',
        'waiting',
        'scheduled',
        'running',
        'dead',
        'projects',
        'oldest',
        'p50',
        'p99',
        'jobs/s',
        'fairness',
        '',
      ],
      lanes.map((lane) => [
        lane.lane,
        lane.waitingJobs,
        lane.scheduledJobs,
        lane.leasedJobs,
        lane.deadJobs,
        lane.tenants,
        seconds(lane.oldestAgeMs),
        orDash(lane.dwellP50Ms, seconds),
        orDash(lane.dwellP99Ms, seconds),
        lane.perSecond.toFixed(1),
        orDash(lane.fairness, (index) => index.toFixed(2)),
        lane.paused ? 'paused' : '',
      ]),
    ),
  )
}

export async function queueTopCommand({ json, limit }: Output & { limit: number }): Promise<void> {
  const all = await withApp(async (app) =>
    withShares(await app.queue.tenants(limit), await app.queue.overview()),
  )
  printTenants(
    all.filter(({ lane }) => !isCanary(lane)),
    { json },
  )
}

export async function queueInspectCommand(project: string, { json }: Output): Promise<void> {
  const { tenants, controls, dead, retrying, waitingMail, retryingJobs } = await withApp(async (app) => {
    const { id } = await findProject(app, project)
    return {
      tenants: withShares(await app.queue.tenants(100, { tenant: project }), await app.queue.overview()),
      controls: await app.queue.controls(project),
      dead: await app.queue.deadLetters({ tenant: project, limit: 10, withData: false }),
      retrying: await readRetrying(app, id, { now: app.now() }),
      waitingMail: await readWaiting(app, app.config, id),
      retryingJobs: await readRetryingJobs(app, id),
    }
  })
  if (json)
    return console.log(
      JSON.stringify({ waiting: tenants, retrying, waitingMail, retryingJobs, controls, dead }),
    )
  printTenants(tenants, {})
  const waits = describeWaiting(waitingMail)
  if (waits) console.log(`\n${waits}`)
  if (retrying.count > 0) console.log(describeRetrying(retrying))
  if (retryingJobs.count > 0) console.log(describeRetryingJobs(retryingJobs))
  console.log(`\nLimits: ${describeControls(controls)}`)
  if (dead.length === 0) return console.log('No dead jobs.')
  console.log('\nThe latest dead jobs:')
  console.log(
    table(
      ['ref', 'lane', 'name', 'attempts', 'died', 'reason'],
      dead.map((letter) => [
        letter.ref,
        letter.lane,
        letter.name,
        letter.attempts,
        letter.diedAt.toISOString(),
        letter.reason.slice(0, 60),
      ]),
    ),
  )
}

export async function queuePauseCommand(
  { json, ...what }: Output & { project?: string; lane?: string },
  paused: boolean,
): Promise<void> {
  const target = targetOf(what)
  await withApp(async (app) => {
    if (what.project !== undefined) await findProject(app, what.project)
    await (paused ? app.queue.pause(target) : app.queue.resume(target))
  })
  if (json) return console.log(JSON.stringify({ ...what, paused }))
  const name = 'lane' in target ? `Lane ${target.lane}` : `Project ${target.tenant}`
  console.log(paused ? `${name} is paused: it takes jobs and hands out none.` : `${name} goes on.`)
}

export async function queueLimitsCommand(
  project: string,
  { json, ...given }: Output & Partial<Record<keyof TenantControls, number | 'none'>>,
): Promise<void> {
  const controls = await withApp(async (app) => {
    await findProject(app, project)
    const changes = Object.entries(given).map(([name, value]) => [name, value === 'none' ? null : value])
    if (changes.length > 0) await app.queue.set(project, Object.fromEntries(changes) as TenantControls)
    return app.queue.controls(project)
  })
  if (json) return console.log(JSON.stringify({ project, controls }))
  console.log(`Project ${project}: ${describeControls(controls)}`)
}

export async function queueDeadCommand(
  what: 'redrive' | 'discard',
  { project, rate, json, ...rest }: Output & { project?: string; rate?: number } & DeadLetterFilter,
): Promise<void> {
  const filter: DeadLetterFilter = { ...rest, ...(project && { tenant: project }) }
  if (what === 'discard' && Object.keys(filter).length === 0)
    throw new WrongArguments('Say which dead jobs: --project, --lane, --name, --reason or --before.')
  const count = await withApp(async (app) => {
    if (project !== undefined) await findProject(app, project)
    return what === 'redrive'
      ? app.queue.redrive(filter, rate ? { perSecond: rate } : {})
      : app.queue.discard(filter)
  })
  if (json) return console.log(JSON.stringify({ [what === 'redrive' ? 'redriven' : 'discarded']: count }))
  console.log(what === 'redrive' ? `${count} dead jobs run again.` : `${count} dead jobs are gone for good.`)
}

function withShares(tenants: TenantStats[], { lanes }: QueueOverview): Waiting[] {
  const shares = new Map(
    lanes.flatMap(({ lane, shares }) => shares.map((one) => [`${lane} ${one.tenant}`, one.share])),
  )
  return tenants.map((one) => ({ ...one, share: shares.get(`${one.lane} ${one.tenant}`) ?? null }))
}

function printTenants(tenants: Waiting[], { json }: Output): void {
  console.log(json ? JSON.stringify({ waiting: tenants }) : describeTenants(tenants))
}

function describeTenants(tenants: Waiting[]): string {
  if (tenants.length === 0) return 'Nothing is waiting.'
  return table(
    ['project', 'lane', 'waiting', 'bytes', 'oldest', 'weight', 'share', ''],
    tenants.map((one) => [
      one.tenant,
      one.lane,
      one.waitingJobs,
      one.waitingBytes,
      seconds(one.oldestAgeMs),
      one.weight,
      orDash(one.share, (share) => `${(share * 100).toFixed(0)} %`),
      one.paused ? 'paused' : '',
    ]),
  )
}

export function describeRetrying({ count, more, reasons }: Retrying): string {
  const heading = `\n${count}${more ? ' or more' : ''} messages could not be sent yet and are tried again:\n`
  const rows = reasons.map((one) => [
    one.count,
    one.nextTryAt.toISOString(),
    one.provider ?? '-',
    one.reason.replace(/^will be tried again: /, ''),
  ])
  return heading + table(['messages', 'next try', 'through', 'reason'], rows)
}

export function describeRetryingJobs({ count, more, latest }: RetryingJobs): string {
  const which = count > latest.length ? `; the latest ${latest.length}` : ''
  const heading = `\n${count}${more ? ' or more' : ''} ${count === 1 ? 'job' : 'jobs'} failed and ${count === 1 ? 'is' : 'are'} tried again${which}:\n`
  const rows = latest.map((job) => [
    job.lane,
    job.name,
    job.attempts,
    job.nextTryAt.toISOString(),
    job.reason.slice(0, 60),
  ])
  return heading + table(['lane', 'name', 'attempts', 'next try', 'reason'], rows)
}

const describeControls = (controls: TenantControls): string =>
  Object.entries(controls)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ') || 'none'

function targetOf({ project, lane }: { project?: string; lane?: string }) {
  if ((project === undefined) === (lane === undefined))
    throw new WrongArguments('Name either --project or --lane.')
  return lane === undefined ? { tenant: project! } : { lane }
}

import { type Handler, type JobInput, Snooze } from '@fairway/queue'
import type { App } from '../../platform/app.ts'
import { withTransaction } from '../../platform/db/transaction.ts'
import { sendingBy } from '../channels/channel.ts'
import { channels } from '../channels/list.ts'
import { nextDeliverJob, type Relieved } from '../messages/deliver-job.ts'
import { loadSending } from '../messages/load.ts'
import { hindrance, hindranceSql, type WaitsFor } from '../sending/waiting.ts'

/** Of the same change: should a job be lost, there is another by then. */
const dedupeMs = 60_000
/** A job works that long, then others get their turn. */
const sliceMs = 1_000
const pauseMs = 50
const inOneStep = 500

/** Gives every project whose mode or SMTP server changed a job that wakes the mail that waits. */
export async function wakeMail(app: App): Promise<void> {
  const { rows } = await app.pool.query<{ id: number; change: string }>(
    'select id, sending_version::text as change from projects where sending_version <> woken_version and deleted_at is null',
  )
  await addWakeJobs(app, rows)
}

/**
 * Finds mail that waits for what is there by now, whatever became of its waking: the operator gave the installation a server, or it
 * was put aside in the moment of the change.
 */
export async function sweepWaitingMail(app: App): Promise<void> {
  const { rows } = await app.pool.query<{ id: number }>(
    // From one kind of waiting to the next, however much mail is in each.
    `with recursive kinds as (
       (select project_id, waits_for from messages where state = 'pending' and waits_for is not null
        order by project_id, waits_for limit 1)
       union all
       select next.project_id, next.waits_for from kinds k cross join lateral (
         select project_id, waits_for from messages m
         where state = 'pending' and waits_for is not null and (m.project_id, m.waits_for) > (k.project_id, k.waits_for)
         order by project_id, waits_for limit 1) as next)
     select distinct p.id from kinds k join projects p on p.id = k.project_id
     where p.deleted_at is null and k.waits_for is distinct from ${hindranceSql('p', '$1::boolean')}`,
    [app.config.smtpUrl !== undefined],
  )
  await addWakeJobs(
    app,
    rows.map(({ id }) => ({ id, change: 'sweep' })),
  )
}

async function addWakeJobs(app: App, projects: { id: number; change: string }[]): Promise<void> {
  if (projects.length > 0) await app.queue.addMany(projects.map(({ id, change }) => wakeJob(id, change)))
}

/** One at a time in a project: they would only take turns. */
const wakeJob = (projectId: number, change: string): JobInput => ({
  lane: 'automation',
  tenant: String(projectId),
  name: 'wake_mail',
  data: {},
  key: 'wake_mail',
  dedupe: { key: `wake_mail:${change}`, windowMs: dedupeMs },
})

/**
 * Handler of the jobs `wake_mail`: gives mail that waits another job, in steps of one transaction each. What is done is in the rows, so
 * that a job that ends anywhere is taken up by the next.
 */
export const wakeWaitingMail =
  (app: App): Handler =>
  async (job, { signal }) => {
    const projectId = Number(job.tenant)
    const sliceEnd = Date.now() + sliceMs
    while (await wakeStep(app, projectId)) {
      signal.throwIfAborted()
      if (Date.now() >= sliceEnd) throw new Snooze(pauseMs)
    }
  }

/** @returns false when nothing is left to wake */
export async function wakeStep(app: App, projectId: number): Promise<boolean> {
  const [sending, versions] = await Promise.all([
    loadSending(app, projectId, sendingBy(app, channels.email!)),
    readVersions(app, projectId),
  ])
  if (!sending || !versions) return false
  if ((await wakeWaiting(app, projectId, hindrance(sending))) > 0) return true
  if (versions.sending === versions.woken) return false
  if ((await wakeRetrying(app, projectId, versions.sending)) > 0) return true
  await app.pool.query('update projects set woken_version = $2 where id = $1 and woken_version <> $2', [
    projectId,
    versions.sending,
  ])
  return false
}

async function readVersions(app: App, projectId: number) {
  const { rows } = await app.pool.query<{ sending: number; woken: number }>(
    'select sending_version as sending, woken_version as woken from projects where id = $1',
    [projectId],
  )
  return rows[0]
}

/** What waits for something else than it would wait for now. */
const wakeWaiting = (app: App, projectId: number, now: WaitsFor | null) =>
  wakeThose(app, projectId, `waits_for is not null and waits_for is distinct from $4::text`, 'waits_for', now)

/** What was refused before the change is tried the new way; once for each change, because it may be refused again. */
const wakeRetrying = (app: App, projectId: number, version: number) =>
  wakeThose(
    app,
    projectId,
    'next_try_at is not null and woken_version is distinct from $4::integer',
    'next_try_at',
    version,
  )

const whyNow = 'will be tried again: now, because the mode or the SMTP server was changed'

/** What fails before it was due is tried then, and costs none of its attempts; somebody may have it tried at once again. */
async function wakeThose(
  app: App,
  projectId: number,
  condition: string,
  order: 'waits_for' | 'next_try_at',
  value: string | number | null,
): Promise<number> {
  return withTransaction(app.pool, async (client) => {
    const { rows } = await client.query<Relieved & { backTo: Date | null }>(
      `with waiting as (
         select id, next_try_at from messages where project_id = $1 and state = 'pending' and ${condition}
         order by ${order} limit $2 for no key update skip locked)
       update messages m set turn = m.turn + 1, waits_for = null, next_try_at = $3, try_now_at = null, reason = $5,
         woken_version = (select sending_version from projects where id = $1)
       from waiting w where m.project_id = $1 and m.id = w.id
       returning m.id, m.consent, m.turn, w.next_try_at as "backTo"`,
      [projectId, inOneStep, app.now(), value, whyNow],
    )
    const jobs = rows.map((message) => nextDeliverJob(projectId, message, message.backTo ?? undefined))
    if (jobs.length > 0) await app.queue.addIn(client, jobs)
    return rows.length
  })
}

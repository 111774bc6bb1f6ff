import type { App } from '../../platform/app.ts'
import { withTransaction } from '../../platform/db/transaction.ts'
import { relieveDeadJobs } from './dead-jobs.ts'
import { nextDeliverJob, type Relieved } from './deliver-job.ts'

const overdueMs = 600_000
/** Clocks of the server and the database may differ. */
const slackMs = 60_000
const inOneStep = 500

/**
 * Gives mail whose next try is long overdue, or whose job became a dead letter, another job: its own is gone, whatever the reason. What is held, or behind much other
 * work, still has its job and is left to it.
 */
export async function maintainMessages(app: App, options: { signal?: AbortSignal } = {}): Promise<void> {
  const before = new Date(app.now().getTime() - overdueMs)
  const { rows } = await app.pool.query<{ id: number }>(
    `select p.id from projects p
     where p.deleted_at is null
       and not exists (select from sending_holds h where h.project_id = p.id and h.confirmed_at is null)
       and exists (select from messages m where m.project_id = p.id and m.next_try_at < $1)`,
    [before],
  )
  for (const { id } of rows) {
    options.signal?.throwIfAborted()
    await relieveOverdue(app, id, options.signal)
  }
  await relieveDeadJobs(app, options)
}

async function relieveOverdue(app: App, projectId: number, signal?: AbortSignal): Promise<void> {
  const lanes = await app.queue.tenants(100, { tenant: String(projectId) })
  // A job that waits in the queue has waited there since its mail was due, or longer.
  const oldestMs = Math.max(0, ...lanes.map(({ oldestAgeMs }) => oldestAgeMs + slackMs))
  const now = app.now()
  const before = new Date(now.getTime() - Math.max(overdueMs, oldestMs))
  for (let relieved = inOneStep; relieved === inOneStep; ) {
    signal?.throwIfAborted()
    relieved = await withTransaction(app.pool, async (client) => {
      const { rows } = await client.query<Relieved>(
        `with overdue as (
           select id from messages where project_id = $1 and next_try_at < $2 and state = 'pending'
           order by next_try_at limit $3 for no key update skip locked)
         update messages m set turn = m.turn + 1, next_try_at = $4
         from overdue o where m.project_id = $1 and m.id = o.id returning m.id, m.consent, m.turn`,
        [projectId, before, inOneStep, now],
      )
      const jobs = rows.map((message) => nextDeliverJob(projectId, message))
      if (jobs.length > 0) await app.queue.addIn(client, jobs)
      return rows.length
    })
    if (relieved > 0)
      app.log.warn({ projectId, messages: relieved }, 'mail whose next try was long overdue has a job again')
  }
}

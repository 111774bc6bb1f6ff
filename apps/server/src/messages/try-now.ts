import type { App } from '../app.ts'
import { withTransaction } from '../db/transaction.ts'
import { deliverJob, type MailLane } from './deliver-job.ts'

export interface TriedNow {
  count: number
  /** There are more, for another request. */
  more: boolean
}

const atOnce = 10_000
const inOneStep = 500
/** What is due sooner comes by itself. */
const soonMs = 1_000

/**
 * Mail that waits for its next try is tried at once, the first due first: for after a server was repaired. It has its turn as all
 * mail of the project. The job that waits stays; a try that fails again leaves the mail to it, and costs none of its attempts.
 *
 * @param provider as messages name it: `provider 7`
 */
export async function tryNow(app: App, projectId: number, provider?: string): Promise<TriedNow> {
  let count = 0
  for (;;) {
    const taken = await withTransaction(app.pool, async (client) => {
      const { rows } = await client.query<{ id: string; lane: MailLane; backTo: Date }>(
        `with waiting as (
           select id, next_try_at from messages
           where project_id = $1 and next_try_at > $2 and state = 'pending' and ($3::text is null or provider = $3)
           order by next_try_at limit $4 for no key update skip locked)
         update messages m set next_try_at = $5, attempts = greatest(m.attempts - 1, 0)
         from waiting w where m.project_id = $1 and m.id = w.id
         returning m.id, w.next_try_at as "backTo",
           case m.class when 'transactional' then 'transactional' else 'automation' end as lane`,
        [projectId, new Date(app.now().getTime() + soonMs), provider ?? null, inOneStep, app.now()],
      )
      const jobs = rows.map(({ id, lane, backTo }) => {
        const job = deliverJob(projectId, id, lane)
        return { ...job, data: { ...job.data, backTo: backTo.getTime() } }
      })
      if (jobs.length > 0) await app.queue.addIn(client, jobs)
      return rows.length
    })
    count += taken
    if (taken < inOneStep) return { count, more: false }
    if (count >= atOnce) return { count, more: true }
  }
}

/** Mails whose try at once failed as well: they are tried again when they would have been. */
export async function recordWaitingAgain(
  app: App,
  projectId: number,
  waiting: ReadonlyMap<string, number>,
): Promise<void> {
  if (waiting.size === 0) return
  await app.pool.query(
    `update messages m set next_try_at = w.at from unnest($2::uuid[], $3::timestamptz[]) as w (id, at)
     where m.project_id = $1 and m.id = w.id and m.state = 'pending' and m.next_try_at is not null and w.at > $4`,
    [projectId, [...waiting.keys()], [...waiting.values()].map((at) => new Date(at)), app.now()],
  )
}

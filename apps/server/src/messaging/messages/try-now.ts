import type { App } from '../../platform/app.ts'
import { withTransaction } from '../../platform/db/transaction.ts'
import { isTriable, triableAt } from '../sending/retrying.ts'
import { nextDeliverJob, type Relieved } from './deliver-job.ts'

export interface TriedNow {
  count: number
  /** There are more, for another request. */
  more: boolean
}

const atOnce = 10_000
const inOneStep = 500

/**
 * Mail that waits for its next try is tried at once, the first due first: for after a server was repaired. It has its turn as all
 * mail of the project. Its new job takes the place of the one that waits; a try that fails before the mail was due costs none of its
 * attempts.
 *
 * @param only narrows it to a provider, as messages name it (`provider 7`), or to one message
 */
export async function tryNow(
  app: App,
  projectId: number,
  only: { provider?: string; message?: string } = {},
): Promise<TriedNow> {
  let count = 0
  for (;;) {
    const taken = await withTransaction(app.pool, async (client) => {
      const now = app.now()
      const { soon, lately } = triableAt(now)
      const { rows } = await client.query<Relieved & { backTo: Date }>(
        `with waiting as (
           select id, next_try_at from messages
           where project_id = $1 and state = 'pending' and ($3::text is null or provider = $3)
             and ($7::uuid is null or id = $7) and ${isTriable('$2', '$6')}
           order by next_try_at limit $4 for no key update skip locked)
         update messages m set turn = m.turn + 1, try_now_at = $5, next_try_at = $5
         from waiting w where m.project_id = $1 and m.id = w.id
         returning m.id, m.consent, m.turn, w.next_try_at as "backTo"`,
        [projectId, soon, only.provider ?? null, inOneStep, now, lately, only.message ?? null],
      )
      const jobs = rows.map((message) => nextDeliverJob(projectId, message, message.backTo))
      if (jobs.length > 0) await app.queue.addIn(client, jobs)
      return rows.length
    })
    count += taken
    if (taken < inOneStep) return { count, more: false }
    if (count >= atOnce) return { count, more: true }
  }
}

import type { DeadLetter } from '@fairway/queue'
import type { App } from '../../platform/app.ts'
import { withTransaction } from '../../platform/db/transaction.ts'
import { type DeliverData, isDeliverJob, nextDeliverJob, type Relieved } from './deliver-job.ts'

const inOneStep = 500

/**
 * Gives mail another job whose own became a dead letter: because a program died with it, or took too long, again and again. The
 * letter stays to be looked at; run again, it does nothing. Mail that was tried has a time for its next try, and is found by that.
 */
export async function relieveDeadJobs(app: App, { signal }: { signal?: AbortSignal } = {}): Promise<void> {
  for (let after: string | undefined; ; ) {
    signal?.throwIfAborted()
    const letters = await app.queue.deadLetters({ name: 'deliver', limit: inOneStep, after })
    for (const [tenant, own] of byTenant(letters)) await relieve(app, tenant, own)
    if (letters.length < inOneStep) return
    after = letters.at(-1)!.ref
  }
}

function byTenant(letters: DeadLetter[]): Map<string, DeadLetter[]> {
  const groups = new Map<string, DeadLetter[]>()
  for (const letter of letters) groups.set(letter.tenant, [...(groups.get(letter.tenant) ?? []), letter])
  return groups
}

async function relieve(app: App, tenant: string, letters: DeadLetter[]): Promise<void> {
  const projectId = Number(tenant)
  const jobs = letters.map(({ data }) => data as unknown as DeliverData | null).filter(isDeliverJob)
  if (!Number.isSafeInteger(projectId) || jobs.length === 0) return
  const relieved = await withTransaction(app.pool, async (client) => {
    const { rows } = await client.query<Relieved>(
      `update messages m set turn = m.turn + 1, next_try_at = $4
       from (select distinct id, turn from unnest($2::uuid[], $3::integer[]) as l (id, turn)) as l
       where m.project_id = $1 and m.id = l.id and m.turn = l.turn and m.state = 'pending' and m.next_try_at is null
       returning m.id, m.consent, m.turn`,
      [projectId, jobs.map(({ messageId }) => messageId), jobs.map(({ turn = 0 }) => turn), app.now()],
    )
    if (rows.length > 0)
      await app.queue.addIn(
        client,
        rows.map((message) => nextDeliverJob(projectId, message)),
      )
    return rows.length
  })
  if (relieved > 0)
    app.log.warn({ projectId, messages: relieved }, 'mail whose job became a dead letter has a job again')
}

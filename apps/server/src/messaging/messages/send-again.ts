import type { PoolClient } from 'pg'
import type { App } from '../../platform/app.ts'
import { nextDeliverJob, type Relieved } from './deliver-job.ts'

/** Until a message that was claimed must have left or failed, by whatever channel. */
export const maxSendMs = 520_000

/** What was claimed before, is not being sent any more. */
export const sentUntil = (app: App) => new Date(app.now().getTime() - maxSendMs)

/** Nobody is sending it: its owner said that it is in doubt, or must have ended. */
export const isLeft = (sentUntil: string) => `(claim is null or claimed_at <= ${sentUntil}::timestamptz)`

/**
 * Puts messages back into the queue with all their attempts, each with a new turn and its job, in the caller's transaction: what has
 * changed its state meanwhile is left alone, so that none is put back twice.
 *
 * @param settledBefore what was settled later is left alone, too
 * @returns how many were put back
 */
export async function sendAgainIn(
  app: App,
  client: PoolClient,
  projectId: number,
  ids: string[],
  { from, reason, settledBefore }: { from: 'failed' | 'unknown'; reason: string; settledBefore?: Date },
): Promise<number> {
  const { rows } = await client.query<Relieved>(
    `update messages set state = 'pending', reason = $4, settled_at = null, claim = null, attempts = 0, renders = 0,
            turn = turn + 1, try_now_at = null, waits_for = null,
            history = history || jsonb_build_object('at', $5::timestamptz, 'state', 'pending', 'reason', $4::text)
     where project_id = $1 and id = any($2::uuid[]) and state = $3 and (state <> 'unknown' or ${isLeft('$6')})
       and ($7::timestamptz is null or settled_at is null or settled_at <= $7)
     returning id, consent, turn`,
    [projectId, ids, from, reason, app.now(), sentUntil(app), settledBefore ?? null],
  )
  if (rows.length > 0) {
    await app.queue.addIn(
      client,
      rows.map((message) => nextDeliverJob(projectId, message)),
    )
  }
  return rows.length
}

import type { App } from '../../platform/app.ts'
import { conflict } from '../../platform/errors.ts'

/** What becomes of messages for what happened before sending was held: they leave, or somebody settles each. */
export type PendingChoice = 'send' | 'unknown'

export interface SendingHold {
  heldAt: Date
  reason: string
  confirmedAt: Date | null
  /** A member's address, or the beginning of a key, or the command line. */
  confirmedBy: string | null
  pending: PendingChoice | null
}

export interface SendingState {
  /** Nothing of the project is sent until somebody confirms; null when it is. */
  held: Pick<SendingHold, 'heldAt' | 'reason'> | null
  /** Confirmed ones, newest first. */
  history: SendingHold[]
}

const historyRows = 20
/** In one statement. */
const settledRows = 5_000

export async function readSendingState(app: App, projectId: number): Promise<SendingState> {
  const { rows } = await app.pool.query<SendingHold>(
    `select held_at as "heldAt", reason, confirmed_at as "confirmedAt", confirmed_by as "confirmedBy", pending
     from sending_holds where project_id = $1 order by confirmed_at is null desc, id desc limit $2`,
    [projectId, historyRows + 1],
  )
  const open = rows.find(({ confirmedAt }) => confirmedAt === null)
  return {
    held: open ? { heldAt: open.heldAt, reason: open.reason } : null,
    history: rows.filter((row) => row !== open).slice(0, historyRows),
  }
}

/**
 * Lets sending go on, and notes who said so. With `unknown`, messages for what happened before the hold become `unknown`
 * first, also those that were made since from events of the backup: they are settled one by one under Messages.
 *
 * @throws {ApiError} 409 when it is not held
 */
export async function confirmSending(
  app: App,
  projectId: number,
  by: string,
  pending: PendingChoice,
): Promise<SendingState> {
  const { held } = await readSendingState(app, projectId)
  if (!held) throw conflict('Sending is not held: there is nothing to confirm.')
  if (pending === 'unknown') await setAside(app, projectId, held.heldAt)
  const { rowCount } = await app.pool.query(
    `update sending_holds set confirmed_at = $2, confirmed_by = $3, pending = $4
     where project_id = $1 and confirmed_at is null`,
    [projectId, app.now(), by, pending],
  )
  if (rowCount === 0) throw conflict('Sending is not held any more: somebody has just confirmed.')
  app.log.info({ projectId, by, pending }, 'sending goes on')
  return readSendingState(app, projectId)
}

async function setAside(app: App, projectId: number, before: Date): Promise<void> {
  for (let settled = settledRows; settled === settledRows; ) {
    const { rowCount } = await app.pool.query(
      `update messages set state = 'unknown', reason = $3, settled_at = $4, next_try_at = null,
              history = history || jsonb_build_object('at', $4::timestamptz, 'state', 'unknown', 'reason', $3::text)
       where project_id = $1 and id = any(array(
         select id from messages where project_id = $1 and state = 'pending' and coalesce(event_at, created_at) <= $2 limit $5
       ))`,
      [projectId, before, 'it may have been sent before the database was restored', app.now(), settledRows],
    )
    settled = rowCount ?? 0
  }
}

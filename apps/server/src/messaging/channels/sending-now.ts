import type { App } from '../../platform/app.ts'
import { readRetrying } from '../sending/retrying.ts'
import { type Counted, readWaiting } from '../sending/waiting.ts'

/** How a project's mail leaves once one of its servers was changed or removed. */
export interface SendingNow {
  /** The id of the provider, `installation`, or null: mail waits. */
  through: number | 'installation' | null
  /** Mail that could not leave yet, and goes the way above when there is one. */
  waits: Counted
  /** Those of the project that are not used and could be. */
  others: { id: number; name: string }[]
}

export async function readSendingNow(app: App, projectId: number): Promise<SendingNow> {
  const [{ rows }, retrying, { server }] = await Promise.all([
    app.pool.query<{ id: number; name: string; active: boolean }>(
      `select id, name, active from providers where project_id = $1 and channel = 'email' order by id desc limit 100`,
      [projectId],
    ),
    readRetrying(app, projectId, { now: app.now() }),
    readWaiting(app, app.config, projectId),
  ])
  const used = rows.find(({ active }) => active)
  return {
    through: used?.id ?? (app.config.smtpUrl === undefined ? null : 'installation'),
    waits: { count: retrying.count + server.count, more: retrying.more || server.more },
    others: rows.filter((row) => row !== used).map(({ id, name }) => ({ id, name })),
  }
}

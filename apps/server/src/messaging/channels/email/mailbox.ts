import type { App } from '../../../platform/app.ts'
import { notFound } from '../../../platform/errors.ts'
import { rendererOf } from '../../templates/renderer.ts'
import { resultOf } from '../../templates/templates.ts'
import { type ReadMessage, readMessage } from './work.ts'

export interface MailSummary {
  id: number
  messageId: string
  envelopeFrom: string
  envelopeTo: string[]
  subject: string
  receivedAt: Date
}

export interface MailDetail extends MailSummary, ReadMessage {
  /** The whole message as it would have left. */
  source: string
}

const columns = `id, message_id as "messageId", envelope_from as "envelopeFrom", envelope_to as "envelopeTo", subject,
  received_at as "receivedAt"`

/** Newest first; `cursor` is the id after which to continue. */
export async function listMailbox(
  app: App,
  projectId: number,
  { limit, cursor }: { limit: number; cursor?: number },
): Promise<{ items: MailSummary[]; nextCursor: string | null }> {
  const { rows } = await app.pool.query<MailSummary>(
    `select ${columns} from mailbox where project_id = $1 and ($2::bigint is null or id < $2) order by id desc limit $3`,
    [projectId, cursor ?? null, limit + 1],
  )
  const items = rows.slice(0, limit)
  return { items, nextCursor: rows.length > limit ? String(items.at(-1)!.id) : null }
}

/** @throws {ApiError} 404 */
export async function getMail(app: App, projectId: number, id: number): Promise<MailDetail> {
  const { source, ...summary } = await readMail(app, projectId, id)
  return { ...summary, ...(await parse(app, projectId, source)), source: source.toString('utf8') }
}

/** The HTML alone, for a frame. @throws {ApiError} 404 */
export async function getMailHtml(app: App, projectId: number, id: number): Promise<string> {
  const { source } = await readMail(app, projectId, id)
  const { html, text } = await parse(app, projectId, source)
  return html ?? `<pre>${(text ?? '').replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</pre>`
}

async function parse(app: App, projectId: number, source: Buffer): Promise<ReadMessage> {
  const [end] = await rendererOf(app).run(readMessage, projectId, null, [{ source: new Uint8Array(source) }])
  return resultOf(end!)
}

async function readMail(app: App, projectId: number, id: number): Promise<MailSummary & { source: Buffer }> {
  const { rows } = await app.pool.query<MailSummary & { source: Buffer }>(
    `select ${columns}, source from mailbox where project_id = $1 and id = $2`,
    [projectId, id],
  )
  if (!rows[0]) throw notFound('Mail')
  return rows[0]
}

/** @throws {ApiError} 404 */
export async function deleteMail(app: App, projectId: number, id: number): Promise<void> {
  const { rowCount } = await app.pool.query('delete from mailbox where project_id = $1 and id = $2', [
    projectId,
    id,
  ])
  if (rowCount === 0) throw notFound('Mail')
}

export const clearMailbox = (app: App, projectId: number) =>
  app.pool.query('delete from mailbox where project_id = $1', [projectId])

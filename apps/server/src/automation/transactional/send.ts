import { randomUUID } from 'node:crypto'
import type { PoolClient } from 'pg'
import { findPersonIds } from '../../audience/people/lookup.ts'
import { laneOf } from '../../messaging/messages/consent.ts'
import { insertMessages, messageIdOf, type NewMessage } from '../../messaging/messages/create.ts'
import { deliverJob } from '../../messaging/messages/deliver-job.ts'
import { storableText } from '../../messaging/messages/storable.ts'
import type { App } from '../../platform/app.ts'
import { withTransaction } from '../../platform/db/transaction.ts'
import { invalidField, notFound } from '../../platform/errors.ts'
import type { SendRequest } from './request.ts'

export interface Accepted {
  messageId: string
  acceptedAt: Date
}

/**
 * Writes the message, its attachments and its job in one transaction; durable when it resolves. The same idempotency
 * key in the same project is the same message: nothing is written again.
 *
 * @throws {ApiError} 404 for an unknown template, 422 for a key that was used for another request.
 */
export async function sendTransactional(
  app: App,
  projectId: number,
  request: SendRequest,
): Promise<Accepted> {
  const cause = `transactional:${request.idempotencyKey ?? randomUUID()}`
  const templateId =
    request.template === undefined ? null : await findTemplate(app, projectId, request.template)
  const [personId] = request.person ? await findPersonIds(app.pool, projectId, [request.person]) : [null]
  const message: NewMessage = {
    cause,
    origin: 'api',
    consent: request.consent,
    personId,
    templateId,
    recipient: request.input.to?.join(', '),
    input: request.input,
    dueAt: request.sendAt ?? app.now(),
    requestFingerprint: request.idempotencyKey === undefined ? undefined : request.fingerprint,
  }
  return withTransaction(app.pool, async (client) => {
    const [created] = await insertMessages(client, projectId, [message])
    if (!created) return findAccepted(client, projectId, messageIdOf(projectId, cause), request)
    await insertAttachments(client, projectId, created.id, request.attachments)
    await app.queue.addIn(client, [
      deliverJob(projectId, created.id, laneOf(request.consent), request.sendAt),
    ])
    return { messageId: created.id, acceptedAt: app.now() }
  })
}

async function findTemplate(app: App, projectId: number, idOrKey: string): Promise<number> {
  const { rows } = await app.pool.query<{ id: number }>(
    `select id from templates where project_id = $1 and (key = $2 or id::text = $2) order by (key = $2) is true desc limit 1`,
    [projectId, storableText(idOrKey)],
  )
  if (!rows[0]) throw notFound(`transactional_message_id ${idOrKey.slice(0, 100)}`)
  return rows[0].id
}

async function findAccepted(
  client: PoolClient,
  projectId: number,
  messageId: string,
  { idempotencyKey, fingerprint }: SendRequest,
): Promise<Accepted> {
  const { rows } = await client.query<{ created_at: Date; request_fingerprint: Buffer | null }>(
    'select created_at, request_fingerprint from messages where project_id = $1 and id = $2',
    [projectId, messageId],
  )
  const { created_at: acceptedAt, request_fingerprint: before } = rows[0]!
  if (before !== null && !before.equals(fingerprint))
    throw invalidField(
      'idempotency_key',
      `The idempotency key ${idempotencyKey} was used for another request, whose message is ${messageId}; nothing was sent. Use a new key for a new message`,
    )
  return { messageId, acceptedAt }
}

async function insertAttachments(
  client: PoolClient,
  projectId: number,
  messageId: string,
  attachments: SendRequest['attachments'],
): Promise<void> {
  if (attachments.length === 0) return
  await client.query(
    `insert into attachments (project_id, message_id, position, filename, content)
     select $1, $2, a.position, a.filename, a.content
     from unnest($3::text[], $4::bytea[]) with ordinality as a (filename, content, position)`,
    [
      projectId,
      messageId,
      attachments.map(({ filename }) => storableText(filename)),
      attachments.map(({ content }) => content),
    ],
  )
}

import type { PoolClient } from 'pg'
import type { App } from '../app.ts'
import { withTransaction } from '../db/transaction.ts'
import { addressKey } from '../email-address.ts'
import { addressKeySql } from '../people/address-sql.ts'

export interface LinkedMessage {
  projectName: string
  recipient: string
}

/** What a link's page says about its message; undefined when it or its project is gone. */
export async function findLinkedMessage(
  app: App,
  projectId: number,
  messageId: string,
): Promise<LinkedMessage | undefined> {
  const { rows } = await app.pool.query<LinkedMessage>(
    `select p.name as "projectName", coalesce(h.email, m.recipient, '') as recipient
     from messages m
     join projects p on p.id = m.project_id and p.deleted_at is null
     left join people h on h.project_id = m.project_id and h.id = m.person_id
     where m.project_id = $1 and m.id = $2`,
    [projectId, messageId],
  )
  return rows[0]
}

/**
 * Unsubscribes the person that a message was for; of a message to somebody who is no person, everybody with that
 * address. Repeating it changes nothing. False when the message is gone.
 *
 * `how`: 'page' for the button, 'one_click' for the mail client's own (RFC 8058).
 */
export async function unsubscribe(
  app: App,
  projectId: number,
  messageId: string,
  how: 'page' | 'one_click',
): Promise<boolean> {
  return withTransaction(app.pool, async (client) => {
    const message = await client.query<{ person_id: number | null; recipient: string | null }>(
      'select person_id, recipient from messages where project_id = $1 and id = $2',
      [projectId, messageId],
    )
    if (!message.rows[0]) return false
    const { person_id: personId, recipient } = message.rows[0]
    await optOut(
      client,
      projectId,
      { personId, recipient },
      { subscribed: false, via: how, messageId },
      app.now(),
    )
    return true
  })
}

/** A message's recipients are joined by commas. */
const keysOf = (recipient: string | null): string[] => (recipient ?? '').split(', ').map(addressKey)

/** The opt-out is a write like any other, with its time, so that a late older write can't undo it. */
async function optOut(
  client: PoolClient,
  projectId: number,
  whom: { personId: number | null; recipient: string | null },
  detail: object,
  at: Date,
): Promise<void> {
  await client.query(
    `with changed as (
       update people set subscribed = false, updated_at = greatest(updated_at, $4),
              written = written || jsonb_build_object('$subscribed', floor(extract(epoch from $4::timestamptz) * 1000))
       where project_id = $1 and subscribed
         and (id = $2 or ($2::bigint is null and ${addressKeySql('people')} = any($3::text[])))
       returning id
     )
     insert into person_changes (project_id, person_id, kind, detail, at)
     select $1, id, 'subscription', $5, $4 from changed`,
    [projectId, whom.personId, keysOf(whom.recipient), at, JSON.stringify(detail)],
  )
}

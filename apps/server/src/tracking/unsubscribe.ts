import type { PoolClient } from 'pg'
import type { App } from '../app.ts'
import { withTransaction } from '../db/transaction.ts'
import { addressKey } from '../email-address.ts'
import { addressKeySql } from '../people/address-sql.ts'
import { saveConsents } from '../people/consents.ts'
import type { Registers } from '../people/registers.ts'
import { holdPeople } from '../people/session.ts'

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
 * Opts out the person that a message was for, and whoever else holds the address that the page names: it is that mailbox which
 * gets no more. It holds for who gets the address later, too. Repeating it changes nothing. False when the message is gone.
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
    // Whoever gets the address at this moment would be missed.
    await holdPeople(client, projectId, { exclusive: true })
    const message = await client.query<{ person_id: number | null; addresses: string | null }>(
      `select m.person_id, coalesce(h.email, m.recipient) as addresses
       from messages m left join people h on h.project_id = m.project_id and h.id = m.person_id
       where m.project_id = $1 and m.id = $2`,
      [projectId, messageId],
    )
    if (!message.rows[0]) return false
    const { person_id: personId, addresses } = message.rows[0]
    await optOut(
      client,
      projectId,
      { personId, addresses: keysOf(addresses) },
      { subscribed: false, via: how, messageId },
      app.now(),
    )
    return true
  })
}

/** A message's recipients are joined by commas. */
const keysOf = (addresses: string | null): string[] =>
  (addresses ?? '').split(', ').filter(Boolean).map(addressKey)

/** The opt-out is a write like any other, with its time, so that a late older write can't undo it. */
async function optOut(
  client: PoolClient,
  projectId: number,
  { personId, addresses }: { personId: number | null; addresses: string[] },
  detail: object,
  at: Date,
): Promise<void> {
  await client.query(
    `with changed as (
       update people set subscribed = false, updated_at = greatest(updated_at, $4),
              written = written || jsonb_build_object('$subscribed', floor(extract(epoch from $4::timestamptz) * 1000))
       where project_id = $1 and subscribed and (id = $2 or ${addressKeySql('people')} = any($3::text[]))
       returning id
     )
     insert into person_changes (project_id, person_id, kind, detail, at)
     select $1, id, 'subscription', $5, $4 from changed`,
    [projectId, personId, addresses, at, JSON.stringify(detail)],
  )
  const optedOut: Registers = new Map([['$subscribed', { at: at.getTime(), value: false }]])
  await saveConsents({ client, projectId }, new Map(addresses.map((address) => [address, optedOut])))
}

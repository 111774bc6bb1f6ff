import type { PoolClient } from 'pg'
import { addressKeySql } from '../../audience/people/address-sql.ts'
import { announceChanges } from '../../audience/people/announce.ts'
import { saveConsents } from '../../audience/people/consents.ts'
import { type Registers, topicRegister } from '../../audience/people/registers.ts'
import { holdPeople } from '../../audience/people/session.ts'
import type { App } from '../../platform/app.ts'
import { withTransaction } from '../../platform/db/transaction.ts'
import { addressKey } from '../../platform/email-address.ts'
import { readConsent } from '../messages/consent.ts'

export interface LinkedMessage {
  projectName: string
  /** The mailbox that got the mail; empty when nobody knows. */
  recipient: string
  /** What the mail was about; null for one about nothing in particular. */
  topic: string | null
}

interface Reach {
  projectName: string
  personId: number | null
  /** Where the person's mail goes now. */
  ownAddress: string | null
  /** Where the mail went, joined by commas. */
  recipient: string | null
  bcc: string[] | null
  /** The caller named the recipients, who need not be the person that the mail is about. */
  named: boolean
  consent: unknown
}

async function findReach(
  client: Pick<PoolClient, 'query'>,
  projectId: number,
  messageId: string,
): Promise<Reach | undefined> {
  const { rows } = await client.query<Reach>(
    // Where the input was forgotten, recipients may have been named.
    `select p.name as "projectName", m.person_id as "personId", h.email as "ownAddress", m.recipient,
            m.input -> 'bcc' as bcc, m.input ?| array['to', 'forget'] as named, m.consent
     from messages m
     join projects p on p.id = m.project_id and p.deleted_at is null
     left join people h on h.project_id = m.project_id and h.id = m.person_id
     where m.project_id = $1 and m.id = $2`,
    [projectId, messageId],
  )
  return rows[0]
}

/** Those that the mail names: what was sent in blind copy stays so. */
function recipientsOf({ recipient, bcc }: Reach): string[] {
  const blind = new Set((bcc ?? []).map(addressKey))
  return (recipient ?? '').split(', ').filter((address) => address && !blind.has(addressKey(address)))
}

/** What a link's page says about its message; undefined when it or its project is gone. */
export async function findLinkedMessage(
  app: App,
  projectId: number,
  messageId: string,
): Promise<LinkedMessage | undefined> {
  const reach = await findReach(app.pool, projectId, messageId)
  return (
    reach && {
      projectName: reach.projectName,
      recipient: recipientsOf(reach).join(', '),
      topic: topicOf(reach),
    }
  )
}

function topicOf({ consent: stored }: Reach): string | null {
  const consent = readConsent(stored)
  return consent?.kind === 'marketing' ? (consent.topic ?? null) : null
}

/**
 * Opts out, of the mail's topic or of all marketing, the mailbox that got the mail: whoever holds the address, now or later. A mail to the person's own address opts out the
 * person, too, also when they have another address by now. Where the caller named the recipient, the person may be
 * somebody else, who is left alone. Repeating it changes nothing. False when the message is gone.
 *
 * `how`: 'page' for the button, 'one_click' for the mail client's own (RFC 8058).
 */
export async function unsubscribe(
  app: App,
  projectId: number,
  messageId: string,
  how: 'page' | 'one_click',
  from: 'topic' | 'all' = 'all',
): Promise<boolean> {
  return withTransaction(app.pool, async (client) => {
    // Whoever gets the address at this moment would be missed.
    await holdPeople(client, projectId, { exclusive: true })
    const reach = await findReach(client, projectId, messageId)
    if (!reach) return false
    const { personId, ownAddress, named } = reach
    const addresses = recipientsOf(reach)
    // Of a mail in doubt nobody noted the recipient.
    if (addresses.length === 0 && !named && ownAddress) addresses.push(ownAddress)
    await optOut(
      client,
      projectId,
      { personId: named ? null : personId, addresses: addresses.map(addressKey) },
      { topic: from === 'topic' ? topicOf(reach) : null, via: how, messageId },
      app.now(),
    )
    return true
  })
}

/** The opt-out is a write like any other, with its time, so that a late older write can't undo it. */
async function optOut(
  client: PoolClient,
  projectId: number,
  { personId, addresses }: { personId: number | null; addresses: string[] },
  { topic, ...detail }: { topic: string | null; via: string; messageId: string },
  at: Date,
): Promise<void> {
  const register = topic === null ? '$subscribed' : topicRegister(topic)
  const { rows } = await client.query<{ id: number }>(
    `with changed as (
       update people set subscribed = subscribed and $5::text is not null,
              topics = case when $5::text is null then topics else topics || jsonb_build_object($5::text, false) end,
              updated_at = greatest(updated_at, $4::timestamptz),
              written = written || jsonb_build_object($6::text, floor(extract(epoch from $4::timestamptz) * 1000))
       where project_id = $1 and (id = $2 or ${addressKeySql('people')} = any($3::text[]))
         and case when $5::text is null then subscribed else (topics -> $5::text) is distinct from 'false' end
       returning id
     )
     insert into person_changes (project_id, person_id, kind, detail, at)
     select $1, id, 'subscription', $7, $4 from changed returning person_id as id`,
    [
      projectId,
      personId,
      addresses,
      at,
      topic,
      register,
      JSON.stringify({ subscribed: false, ...(topic !== null && { topic }), ...detail }),
    ],
  )
  await announceChanges({ client, projectId, changed: new Set(rows.map(({ id }) => id)), events: [] })
  const optedOut: Registers = new Map([[register, { at: at.getTime(), value: false }]])
  await saveConsents({ client, projectId }, new Map(addresses.map((address) => [address, optedOut])))
}

import type { Transaction } from '@fairway/queue'

/** The newest mails that the sandbox mailbox of a project keeps. */
export const mailboxKeeps = 2_000

export interface SandboxMail {
  messageId: string
  envelopeFrom: string
  envelopeTo: string[]
  subject: string
  source: Uint8Array
}

/** Writes mails into the mailbox in the caller's transaction; a message that is there already stays as it is. */
export async function writeToMailbox(
  client: Transaction,
  projectId: number,
  mails: SandboxMail[],
  at: Date,
): Promise<void> {
  if (mails.length === 0) return
  await client.query(
    `insert into mailbox (project_id, message_id, envelope_from, envelope_to, subject, source, received_at)
     select $1, m.message_id, m.envelope_from, string_to_array(m.envelope_to, ','), m.subject, m.source, $7
     from unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::bytea[])
       as m (message_id, envelope_from, envelope_to, subject, source)
     on conflict (project_id, message_id) do nothing`,
    [
      projectId,
      mails.map((mail) => mail.messageId),
      mails.map((mail) => mail.envelopeFrom),
      mails.map((mail) => mail.envelopeTo.join(',')),
      mails.map((mail) => mail.subject),
      mails.map((mail) => Buffer.from(mail.source.buffer, mail.source.byteOffset, mail.source.byteLength)),
      at,
    ],
  )
}

/** Removes all but the newest {@link mailboxKeeps} mails of a project. */
export async function trimMailbox(client: Transaction, projectId: number): Promise<void> {
  await client.query(
    `delete from mailbox where project_id = $1 and id <= (
       select id from mailbox where project_id = $1 order by id desc offset $2 limit 1)`,
    [projectId, mailboxKeeps],
  )
}

import { withTransaction } from '../../platform/db/transaction.ts'
import { type SandboxMail, trimMailbox, writeToMailbox } from '../channels/sandbox.ts'
import type { Addressed } from './addressing.ts'
import { composeChunk } from './compose-chunk.ts'
import type { Delivery } from './delivery.ts'
import { type Outcome, settlePending } from './outcomes.ts'

const chunkSize = 100

/** The mail and the state are written in one transaction, so a sandbox message is never in doubt and needs no claim. */
export async function deliverToSandbox(delivery: Delivery, addressed: Addressed[]): Promise<void> {
  const { app, projectId, signal } = delivery
  if (addressed.length === 0) return
  for (let start = 0; start < addressed.length; start += chunkSize) {
    signal.throwIfAborted()
    await deliverChunk(delivery, addressed.slice(start, start + chunkSize))
  }
  await trimMailbox(app.pool, projectId)
}

async function deliverChunk(delivery: Delivery, addressed: Addressed[]): Promise<void> {
  const { app, projectId } = delivery
  const { ready, failed } = await composeChunk(delivery, addressed)
  const mails: SandboxMail[] = []
  const outcomes: Outcome[] = [...failed]
  for (const { message, mail } of ready) {
    mails.push({
      messageId: message.id,
      envelopeFrom: mail.envelope.from,
      envelopeTo: mail.envelope.to,
      subject: mail.subject,
      source: mail.source,
    })
    outcomes.push({
      id: message.id,
      state: 'sent',
      reason: null,
      personId: message.personId,
      recipient: mail.envelope.to.join(', '),
      subject: mail.subject,
      provider: 'sandbox',
    })
  }
  await withTransaction(app.pool, async (client) => {
    const at = app.now()
    const settled = await settlePending(client, projectId, outcomes, at)
    const fresh = mails.filter((mail) => settled.has(mail.messageId))
    await writeToMailbox(client, projectId, fresh, at)
  })
}

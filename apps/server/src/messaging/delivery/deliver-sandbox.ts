import { withTransaction } from '../../platform/db/transaction.ts'
import type { Addressed } from '../channels/channel.ts'
import { composeChunk } from './compose-chunk.ts'
import type { Delivery } from './delivery.ts'
import { type Outcome, settlePending } from './outcomes.ts'

const chunkSize = 100

/** What was made and the state are written in one transaction, so a sandbox message is never in doubt and needs no claim. */
export async function deliverToSandbox(delivery: Delivery, addressed: Addressed[]): Promise<void> {
  const { app, projectId, channel, signal } = delivery
  if (addressed.length === 0) return
  for (let start = 0; start < addressed.length; start += chunkSize) {
    signal.throwIfAborted()
    await deliverChunk(delivery, addressed.slice(start, start + chunkSize))
  }
  await channel.sandbox.trim(app.pool, projectId)
}

async function deliverChunk(delivery: Delivery, addressed: Addressed[]): Promise<void> {
  const { app, projectId, channel } = delivery
  const { ready, failed } = await composeChunk(delivery, addressed)
  const kept = ready.map(({ message, mail }) => ({ messageId: message.id, product: mail }))
  const outcomes: Outcome[] = [
    ...failed,
    ...ready.map(
      ({ message, mail }): Outcome => ({
        id: message.id,
        state: 'sent',
        reason: null,
        personId: message.personId,
        recipient: mail.envelope.to.join(', '),
        subject: mail.subject,
        provider: 'sandbox',
      }),
    ),
  ]
  await withTransaction(app.pool, async (client) => {
    const at = app.now()
    const settled = await settlePending(client, projectId, outcomes, at)
    const fresh = kept.filter(({ messageId }) => settled.has(messageId))
    await channel.sandbox.write(client, projectId, fresh, at)
  })
}

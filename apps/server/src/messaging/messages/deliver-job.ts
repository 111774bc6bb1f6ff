import type { JobInput } from '@fairway/queue'
import { laneOf, type MailLane, readConsent } from './consent.ts'

export interface DeliverData {
  messageId: string
  /** Only the job with the message's own `turn` does its work; left out: 0, the one that was added with the message. */
  turn?: number
  /** Of a try ahead of time: when the mail was due, epoch ms. */
  backTo?: number
}

const isUuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** Jobs come from what is stored: by older programs, too, and by whoever has the queue. */
export const isDeliverJob = (data: DeliverData | null | undefined): data is DeliverData =>
  typeof data?.messageId === 'string' &&
  isUuid.test(data.messageId) &&
  (data.turn === undefined || Number.isSafeInteger(data.turn))

/** The job that sends a message; add it in the transaction that wrote the row. */
export const deliverJob = (
  projectId: number,
  messageId: string,
  lane: MailLane,
  runAt?: Date,
): JobInput<DeliverData> => ({
  lane,
  tenant: String(projectId),
  name: 'deliver',
  data: { messageId },
  runAt,
})

/** What a message whose turn was counted up is known by. */
export interface Relieved {
  id: string
  /** As it is stored. */
  consent: unknown
  turn: number
}

/**
 * The job that takes the place of a message's job, wherever that may be: add it in the transaction that counted the message's
 * `turn` up. The other does nothing from then on.
 */
export function nextDeliverJob(projectId: number, message: Relieved, backTo?: Date): JobInput<DeliverData> {
  const job = deliverJob(projectId, message.id, laneOf(readConsent(message.consent)))
  return { ...job, data: { ...job.data, turn: message.turn, ...(backTo && { backTo: backTo.getTime() }) } }
}

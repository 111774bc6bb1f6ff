import type { JobInput } from '@fairway/queue'

export type MailLane = 'transactional' | 'automation' | 'bulk'

export interface DeliverData {
  messageId: string
  /** Of a try ahead of time: when the mail's own job comes, epoch ms. */
  backTo?: number
}

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

import type { JobInput } from '@fairway/queue'

export type MailLane = 'transactional' | 'automation' | 'bulk'

/** The job that sends a message; add it in the transaction that wrote the row. */
export const deliverJob = (
  projectId: number,
  messageId: string,
  lane: MailLane,
  runAt?: Date,
): JobInput<{ messageId: string }> => ({
  lane,
  tenant: String(projectId),
  name: 'deliver',
  data: { messageId },
  runAt,
})

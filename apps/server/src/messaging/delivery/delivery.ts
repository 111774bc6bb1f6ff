import type { BatchContext } from '@fairway/queue'
import type { App } from '../../platform/app.ts'
import type { Addressed, Channel } from '../channels/channel.ts'
import type { Sending, TemplateRow } from '../messages/load.ts'

/** One batch on its way: what every step needs. */
export interface Delivery {
  app: App
  projectId: number
  channel: Channel
  sending: Sending
  templates: Map<number, TemplateRow>
  signal: AbortSignal
  /** Says that the call only waits for the provider: others may have its place meanwhile. */
  waitFor: BatchContext['waitFor']
  together: BatchContext['together']
  /** Which run of the message's job this is, from 1; higher when a run failed or its process ended. */
  attemptOf(messageId: string): number
  /** Run the message's job again later; the message stays, or is back in, `pending`. */
  postpone(messageId: string, delayMs: number): void
  /** When it was decided who gets mail, epoch ms: before anything was read for it. */
  decidedAt: number
  /** Decides once more about some; the ids of those that may leave as they were made. The others are settled, or postponed. */
  decideAgain(mails: Addressed[]): Promise<Set<string>>
  /** Of a message that is tried ahead of time: when it was due, epoch ms. */
  dueAt(messageId: string): number | undefined
}

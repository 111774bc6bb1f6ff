import type { Json } from '@fairway/queue'
import type { PersonReference } from '../../audience/people/lookup.ts'

/** What a send needs beyond its template; the `input` column of a message. */
export interface MessageInput {
  /** The trigger event: `{{ event.* }}`. */
  event?: { name: string; properties: Record<string, Json> }
  /** The caller's data: `{{ trigger.* }}`, `{{ message_data.* }}`. */
  data?: Record<string, Json>
  /** Addresses the caller named; the person's own address otherwise. */
  to?: string[]
  /** What some of them are called, by address. */
  recipientNames?: Record<string, string>
  bcc?: string[]
  /** Recipients that a server did not take yet, when it took the others: who the next try is for. */
  left?: string[]
  /** How the caller named the person, looked up again at the send when nobody was found before. */
  person?: PersonReference
  /** Parts that replace the template's. */
  mail?: {
    from?: string
    replyTo?: string
    subject?: string
    preheader?: string
    html?: string
    text?: string
    headers?: Record<string, string>
  }
  /** How many rows of `attachments` belong to it. */
  attachments?: number
  /** A transactional message that its caller does not want sent to people who unsubscribed. */
  onlySubscribed?: boolean
  /** Forget the data and the attachments once the message is settled. */
  forget?: boolean
}

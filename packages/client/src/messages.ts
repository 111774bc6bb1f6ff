import { randomUUID } from 'node:crypto'
import type { Delivery, Json, Message, MessageClass, MessageDetail, MessageState } from '@fairway/api'
import { List } from './list.ts'
import type { Transport } from './transport.ts'

interface Email {
  /** One or more addresses, separated by commas; default: the person's. */
  to?: string
  /** By your own id, or by their address. */
  person?: { id: string } | { email: string }
  bcc?: string
  replyTo?: string
  preheader?: string
  headers?: Record<string, string>
  /** What templates know as `{{ trigger.… }}`. */
  data?: Record<string, Json>
  /** Epoch, at most 90 days ahead; default now. */
  sendAt?: Date
  /** Request and key are one mail, however often it is sent. Default: one of its own, for its tries. */
  idempotencyKey?: string
}

/** A template by its id or key, parts of which may be replaced; or a mail in full. */
export type NewEmail = Email &
  (
    | { template: number | string; from?: string; subject?: string; html?: string; text?: string }
    | { template?: undefined; from: string; subject: string; html: string; text?: string }
  )

export interface MessageFilter {
  state?: MessageState
  class?: MessageClass
  retrying?: boolean
  waiting?: boolean
  kept?: boolean
  /** Fairway's number. */
  person?: number
  campaign?: number
  limit?: number
}

export class Messages {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  /** A transactional mail: ahead of everything, also to who opted out of marketing, never to who is suppressed. Answers the message's id. */
  async sendEmail(email: NewEmail): Promise<{ id: string; queuedAt: Date }> {
    const {
      person,
      data,
      template,
      html,
      text,
      replyTo,
      sendAt,
      idempotencyKey = randomUUID(),
      ...rest
    } = email
    const { delivery_id, queued_at } = await this.#transport.send<Delivery>({
      method: 'POST',
      path: '/v1/send/email',
      headers: { 'idempotency-key': idempotencyKey },
      body: {
        ...rest,
        transactional_message_id: template,
        identifiers: person,
        message_data: data,
        reply_to: replyTo,
        body: html,
        body_plain: text,
        send_at: sendAt && Math.floor(sendAt.getTime() / 1_000),
      },
      repeatable: true,
    })
    return { id: delivery_id, queuedAt: new Date(queued_at * 1_000) }
  }

  /** Newest first. */
  list(filter: MessageFilter = {}): List<Message> {
    return List.of(this.#transport, this.#transport.path('messages'), { ...filter })
  }

  get(id: string): Promise<MessageDetail> {
    return this.#transport.send({ method: 'GET', path: this.#transport.path('messages', id) })
  }

  /** One that failed, once more. */
  retry(id: string): Promise<MessageDetail> {
    return this.#transport.send({ method: 'POST', path: this.#transport.path('messages', id, 'retry') })
  }
}

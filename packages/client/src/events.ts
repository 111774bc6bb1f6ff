import { randomUUID } from 'node:crypto'
import type { Event, Json } from '@fairway/api'
import { List } from './list.ts'
import type { Transport } from './transport.ts'

interface Common {
  /** Your own id of the person. */
  person: string
  /** When it happened; default now. */
  at?: Date
  /** The same call again, by whoever, is the same call for a day. Default: one of its own, for its tries. */
  messageId?: string
}

export interface Identify extends Common {
  email?: string
  properties?: Record<string, Json>
}

export interface Track extends Common {
  event: string
  properties?: Record<string, Json>
}

/** What people do. An answer means that it is on disk; it is processed within moments. */
export class Events {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  /** Who somebody is: creates or changes them. */
  async identify({ email, properties, ...common }: Identify): Promise<void> {
    await this.#accept('identify', common, {
      traits: { ...properties, ...(email !== undefined && { email }) },
    })
  }

  /** What somebody did, which may start campaigns. */
  async track({ event, properties, ...common }: Track): Promise<void> {
    await this.#accept('track', common, { event, properties })
  }

  /** Newest first. `person` is Fairway's number. */
  list(filter: { name?: string; person?: number; limit?: number } = {}): List<Event> {
    return List.of(this.#transport, this.#transport.path('events'), filter)
  }

  #accept(type: string, { person, at, messageId = randomUUID() }: Common, more: object): Promise<unknown> {
    return this.#transport.send({
      method: 'POST',
      path: `/v1/${type}`,
      // With the time of the first try: another one is the same call.
      body: { userId: person, timestamp: (at ?? new Date()).toISOString(), messageId, ...more },
      repeatable: true,
    })
  }
}

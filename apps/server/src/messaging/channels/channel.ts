import type { Transaction } from '@fairway/queue'
import type { TObject } from 'typebox'
import type { Recipient } from '../../audience/people/lookup.ts'
import type { App } from '../../platform/app.ts'
import type { LoadedMessage, ProviderRow, Sending, TemplateRow } from '../messages/load.ts'
import type { End } from '../templates/render-queue.ts'
import type { Gateway, Made, ProviderLimits } from './gateway.ts'

/** Who a message goes to, and by which way. */
export interface Addressed {
  message: LoadedMessage
  /** People may unsubscribe from it. */
  marketing: boolean
  to: string[]
  bcc: string[]
  /** Keep it in the sandbox mailbox. */
  sandbox: boolean
  /** The real recipients, when a test sends to somebody else. */
  insteadOf: string[] | undefined
}

/** What the messages that are made together have in common. */
export interface ComposeBatch {
  app: App
  projectId: number
  sending: Sending
}

export interface ToCompose extends Addressed {
  /** Undefined for one that came whole. */
  template: TemplateRow | undefined
}

export interface Kept<Product> {
  messageId: string
  product: Product
}

/**
 * A way to reach people. What differs from channel to channel is here; what does not (who may be reached, claims, outcomes, retries,
 * limits, breakers) is written once, in `messaging/delivery`, and knows none of them.
 */
export interface Channel<Product extends Made = Made> {
  /** As messages and providers store it. */
  readonly name: string
  readonly address: {
    /** Where a person is reached; null: nowhere. */
    of(person: Recipient): string | null
    /** The form that it is sent to; undefined for a text that is no address. */
    canonical(text: string): string | undefined
    /** Reasons of messages: a person without one, and one that is none. */
    missing: string
    invalid: string
  }
  /** The ends in the order of what is given. A `TemplateError` says what an author has to change. */
  compose(batch: ComposeBatch, messages: ToCompose[]): Promise<End<Product>[]>
  /** Providers by their kind. */
  readonly providers: Readonly<Record<string, ProviderKind<Product>>>
  /** What the operator gave to all projects. */
  readonly installation: {
    exists(app: App): boolean
    open(app: App): Gateway<Product> | undefined
  }
  /** Where tests stay that have no address to go to. */
  readonly sandbox: {
    write(client: Transaction, projectId: number, kept: Kept<Product>[], at: Date): Promise<void>
    trim(client: Transaction, projectId: number): Promise<void>
  }
}

/** What {@link loadSending} asks of a channel. */
export const sendingBy = (app: App, { name, installation }: Channel) => ({
  channel: name,
  installation: installation.exists(app),
})

/** A kind of provider. Its settings are sealed: only it knows them. */
export interface ProviderKind<Product extends Made = Made> {
  /** Where a provider says nothing else. */
  readonly limits: ProviderLimits
  /** What its settings are, for REST. */
  readonly schema: TObject
  open(app: App, provider: ProviderRow): Gateway<Product>
  /** Seals settings; secrets that are left out are those of before. @throws {ApiError} 422 that names the member */
  accept(app: App, settings: object, before?: Buffer): { sealed: Buffer; changed: boolean }
  /** The settings without secrets. */
  shown(app: App, sealed: Buffer): object
  /** Connects as for a message, or sends one. Throws what is wrong, in words. */
  tryOut(
    app: App,
    projectId: number,
    sealed: Buffer,
    message: { to: string; from?: string } | undefined,
  ): Promise<void>
}

import { type Static, Type } from 'typebox'
import { Counted, nullable, Time } from './basics.ts'
import { Consent } from './consent.ts'
import { PersonName } from './people.ts'

const states = ['pending', 'claimed', 'sent', 'failed', 'skipped', 'unknown'] as const

export const MessageState = Type.Enum([...states])
export type MessageState = Static<typeof MessageState>

/** As counts tell them: what went no further than the mailbox is `kept`, and not `sent`. */
export const CountedState = Type.Enum([...states, 'kept'])
export type CountedState = Static<typeof CountedState>

export const StateCounts = Type.Object({
  pending: Type.Integer(),
  claimed: Type.Integer(),
  sent: Type.Integer(),
  failed: Type.Integer(),
  skipped: Type.Integer(),
  unknown: Type.Integer(),
  kept: Type.Integer({ description: 'Sent to the mailbox, and no further' }),
})
export type StateCounts = Static<typeof StateCounts>

/** For callers of before, as `campaignId` and `campaignName`: `behavioral` of a campaign. */
export const MessageClass = Type.Enum(['transactional', 'behavioral'])
export type MessageClass = Static<typeof MessageClass>

/** What mail needs that the project does not give now. */
export const WaitsFor = Type.Enum(['live', 'server'])
export type WaitsFor = Static<typeof WaitsFor>

/** One send to one person. */
export const Message = Type.Object({
  id: Type.String(),
  origin: Type.String({ description: 'What made it: `campaign`, `api` or `test`' }),
  originId: nullable(Type.Integer(), 'Which campaign'),
  originName: nullable(Type.String(), 'Null for one that is gone'),
  consent: nullable(Consent, 'Null: nothing that is understood says that it may be sent'),
  class: MessageClass,
  channel: Type.String(),
  personId: nullable(Type.Integer()),
  person: nullable(
    Type.Object({ ...PersonName.properties, name: nullable(Type.String()) }),
    'Null when they were erased, or are not stored yet',
  ),
  campaignId: nullable(Type.Integer()),
  campaignName: nullable(Type.String()),
  templateId: nullable(Type.Integer()),
  templateName: nullable(Type.String()),
  eventId: nullable(Type.String()),
  state: MessageState,
  reason: nullable(Type.String()),
  recipient: nullable(Type.String()),
  nextTryAt: nullable(Time, 'When it is tried again; null for one that does not wait for that'),
  waitsFor: nullable(
    WaitsFor,
    'What it needs that the project does not give now; it leaves when that has changed',
  ),
  subject: nullable(Type.String()),
  attempts: Type.Integer(),
  provider: nullable(Type.String(), '`provider 7`, `installation` or `sandbox`'),
  providerMessageId: nullable(Type.String()),
  test: Type.Boolean({ description: "To the test address or the mailbox, whatever the project's mode" }),
  dueAt: Time,
  claimedAt: nullable(Time),
  settledAt: nullable(Time),
  createdAt: Time,
})
export type Message = Static<typeof Message>

export const MessageDetail = Type.Object({
  ...Message.properties,
  recipientNames: Type.Record(Type.String(), Type.String(), {
    description: 'What the caller said that recipients are called, by address',
  }),
  history: Type.Array(Type.Object({ at: Time, state: MessageState, reason: nullable(Type.String()) }), {
    description: 'Reasons of the past, oldest first: failed attempts, doubts, decisions by hand',
  }),
  mailboxId: nullable(Type.Integer(), 'Its mail in the sandbox mailbox'),
  triable: Type.Boolean({ description: 'It may be tried ahead of time now' }),
})
export type MessageDetail = Static<typeof MessageDetail>

/** How many failed, and why. */
export const FailedMessages = Type.Object({
  ...Counted.properties,
  reasons: Type.Array(Type.Object({ reason: Type.String(), count: Type.Integer() }), {
    description: 'Most messages first; ten at most',
  }),
})
export type FailedMessages = Static<typeof FailedMessages>

export const MessageReference = Type.Object({ messageId: Type.String() })
export type MessageReference = Static<typeof MessageReference>

/** Customer.io's answer to a transactional request. */
export const Delivery = Type.Object({
  delivery_id: Type.String({ description: "The message's id" }),
  queued_at: Type.Integer({ description: 'Epoch seconds' }),
})
export type Delivery = Static<typeof Delivery>

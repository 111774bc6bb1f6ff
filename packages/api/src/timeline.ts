import { type Static, Type } from 'typebox'
import { nullable, Properties, Time } from './basics.ts'
import { Consent } from './consent.ts'
import { MessageClass, MessageState } from './messages.ts'

/** One line of a person's history: an event, a message or a change. */
export const TimelineEntry = Type.Union([
  Type.Object({
    kind: Type.Literal('event'),
    id: Type.String(),
    at: Time,
    name: Type.String(),
    properties: Properties,
    source: nullable(Type.String()),
  }),
  Type.Object({
    kind: Type.Literal('message'),
    id: Type.String(),
    at: Time,
    state: MessageState,
    reason: nullable(Type.String()),
    subject: nullable(Type.String()),
    origin: nullable(Type.String()),
    originId: nullable(Type.Integer()),
    consent: nullable(Consent),
    class: MessageClass,
    campaignId: nullable(Type.Integer()),
    templateId: nullable(Type.Integer()),
  }),
  Type.Object({
    kind: Type.Literal('change'),
    id: Type.String(),
    at: Time,
    change: Type.String(),
    detail: Properties,
  }),
])
export type TimelineEntry = Static<typeof TimelineEntry>

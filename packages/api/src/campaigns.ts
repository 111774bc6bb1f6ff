import { type Static, Type } from 'typebox'
import { nullable, Time } from './basics.ts'
import { Consent } from './consent.ts'
import { CountedState, MessageState, StateCounts } from './messages.ts'
import { Condition } from './segments.ts'

export const CampaignState = Type.Enum(['off', 'test', 'live'])
export type CampaignState = Static<typeof CampaignState>

const Otherwise = Type.Optional(Type.Enum(['skip', 'send_now']))

/** When a campaign's message is due after its trigger event. */
export const Wait = Type.Union([
  Type.Object({ kind: Type.Literal('immediately') }),
  Type.Object({ kind: Type.Literal('after'), seconds: Type.Number() }),
  Type.Object({ kind: Type.Literal('after'), days: Type.Number() }),
  Type.Object({
    kind: Type.Literal('until_property'),
    of: Type.Enum(['event', 'person']),
    property: Type.String(),
    offsetSeconds: Type.Optional(Type.Number()),
    ifMissing: Otherwise,
    ifPast: Otherwise,
  }),
  Type.Object({
    kind: Type.Literal('at_local_time'),
    time: Type.String({ description: '`HH:MM`, 24 hours' }),
    days: Type.Optional(Type.Integer()),
    weekdays: Type.Optional(
      Type.Array(Type.Integer(), { description: '1 is Monday, 7 Sunday; default: all' }),
    ),
  }),
])
export type Wait = Static<typeof Wait>

/** Event → optional wait → conditions → message. */
export const Campaign = Type.Object({
  id: Type.Integer(),
  name: Type.String(),
  state: CampaignState,
  triggerEvent: Type.String(),
  wait: Wait,
  conditions: nullable(Condition),
  frequency: nullable(
    Type.Object({ notAgainWithinDays: Type.Number({ description: '-1: never again' }) }),
    'Null: no limit',
  ),
  templateId: Type.Integer(),
  consent: Consent,
  transactional: Type.Boolean({
    description: 'For callers of before: whether the marketing opt-out is ignored',
  }),
  createdAt: Time,
  updatedAt: Time,
  senderProblem: nullable(
    Type.String(),
    'What keeps mail of its template from leaving, on account of the sender; null when nothing does',
  ),
})
export type Campaign = Static<typeof Campaign>

/** What a campaign's messages became. */
export const CampaignReport = Type.Object({
  from: Time,
  to: nullable(Time, 'Null: until now'),
  total: Type.Integer(),
  states: StateCounts,
  reasons: Type.Array(Type.Object({ state: CountedState, reason: Type.String(), count: Type.Integer() }), {
    description: 'Why messages were not sent, the most frequent first',
  }),
})
export type CampaignReport = Static<typeof CampaignReport>

export const CampaignMessage = Type.Object({
  id: Type.String(),
  state: MessageState,
  reason: nullable(Type.String()),
  test: Type.Boolean(),
  personId: nullable(Type.Integer()),
  eventId: nullable(Type.String()),
  recipient: nullable(Type.String()),
  subject: nullable(Type.String()),
  dueAt: Time,
  settledAt: nullable(Time),
  createdAt: Time,
})
export type CampaignMessage = Static<typeof CampaignMessage>

import { type Static, Type } from 'typebox'
import { Counted, nullable, Time } from './basics.ts'
import { WaitsFor } from './messages.ts'

/** Mail that could not be sent yet and is tried again by itself. */
export const Retrying = Type.Object({
  ...Counted.properties,
  triable: Type.Integer({ description: 'Of the counted ones, those that may be tried ahead of time now' }),
  nextTryAt: nullable(Time, 'When the first of them is tried'),
  reasons: Type.Array(
    Type.Object({
      reason: Type.String(),
      provider: nullable(Type.String(), 'As messages name it: `provider 7`, or `installation`'),
      count: Type.Integer(),
      nextTryAt: Time,
    }),
    { description: 'Most messages first; five at most' },
  ),
})
export type Retrying = Static<typeof Retrying>

/** Mail that can't leave as the project is now, by what it waits for. */
export const WaitingMail = Type.Object({
  hindrance: nullable(WaitsFor, 'What mail for real people waits for now; null: it leaves'),
  live: Counted,
  server: Counted,
})
export type WaitingMail = Static<typeof WaitingMail>

/** How mail leaves after an SMTP server was changed or removed. */
export const SendingNow = Type.Object({
  through: Type.Union([Type.Integer(), Type.Literal('installation'), Type.Null()], {
    description: 'The id of the SMTP server, `installation`, or null: mail waits',
  }),
  waits: Counted,
  others: Type.Array(Type.Object({ id: Type.Integer(), name: Type.String() }), {
    description: 'SMTP servers of the project that are not used and could be',
  }),
})
export type SendingNow = Static<typeof SendingNow>

/** What becomes of mail that was pending before a restore. */
export const PendingChoice = Type.Enum(['send', 'unknown'])
export type PendingChoice = Static<typeof PendingChoice>

const hold = { heldAt: Time, reason: Type.String() }

/** Whether sending is held after a restore, and who confirmed before. */
export const SendingState = Type.Object({
  held: nullable(Type.Object(hold), 'Nothing is sent until somebody confirms; null when it is'),
  history: Type.Array(
    Type.Object({
      ...hold,
      confirmedAt: nullable(Time),
      confirmedBy: nullable(Type.String()),
      pending: nullable(PendingChoice),
    }),
    { description: 'Confirmed ones, newest first' },
  ),
})
export type SendingState = Static<typeof SendingState>

export const Sending = Type.Object({ ...SendingState.properties, waiting: WaitingMail })
export type Sending = Static<typeof Sending>

import { type Static, Type } from 'typebox'
import { Json, Time } from './basics.ts'
import { StateCounts } from './messages.ts'
import { LaneStatus } from './queue.ts'
import { Retrying, WaitingMail } from './sending.ts'

/** What somebody should look at. */
export const Attention = Type.Object({
  kind: Type.Enum([
    'messages_waiting',
    'messages_retrying',
    'messages_failed',
    'messages_unknown',
    'items_rejected',
    'jobs_retrying',
    'jobs_dead',
    'work_delayed',
    'work_paused',
    'sending_held',
    'events_not_stored_soon',
  ]),
  title: Type.String({ description: 'One sentence' }),
  count: Type.Integer(),
})
export type Attention = Static<typeof Attention>

export const Overview = Type.Object({
  series: Type.Array(
    Type.Object({
      at: Time,
      events: Type.Integer(),
      sent: Type.Integer(),
      kept: Type.Integer(),
      failed: Type.Integer(),
    }),
    { description: 'One point an hour, oldest first' },
  ),
  totals: Type.Object({
    people: Type.Integer({ description: 'All of them: exact below 10,000, estimated above' }),
    events: Type.Integer(),
    sent: Type.Integer(),
    kept: Type.Integer(),
  }),
  messageStates: StateCounts,
  queue: Type.Array(LaneStatus),
  retrying: Retrying,
  waiting: WaitingMail,
  attention: Type.Array(Attention),
})
export type Overview = Static<typeof Overview>

/** An accepted item that could not be processed, or of which its sender should know something. */
export const Reject = Type.Object({
  id: Type.Integer(),
  at: Time,
  reason: Type.String(),
  rejected: Type.Boolean({ description: 'False when it was processed all the same' }),
  item: Json,
})
export type Reject = Static<typeof Reject>

import { type Static, Type } from 'typebox'
import { nullable, Properties, Time } from './basics.ts'
import { PersonName } from './people.ts'

/** What a person did, as the list of events and the live stream tell it. */
export const Event = Type.Object({
  id: Type.String(),
  name: Type.String(),
  personId: Type.Integer(),
  person: nullable(PersonName),
  properties: Properties,
  source: nullable(Type.String()),
  occurredAt: Time,
  receivedAt: Time,
})
export type Event = Static<typeof Event>

/** What was ingested in an hour, by what it was; what there was none of is left out. */
export const HourCounts = Type.Object({ at: Time, counts: Type.Record(Type.String(), Type.Integer()) })
export type HourCounts = Static<typeof HourCounts>

/** How often an event happened in an hour or a day. */
export const EventPoint = Type.Object({ at: Time, count: Type.Integer() })
export type EventPoint = Static<typeof EventPoint>

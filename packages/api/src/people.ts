import { type Static, Type } from 'typebox'
import { nullable, Properties, Time } from './basics.ts'

export const Device = Type.Object({
  type: Type.Literal('push'),
  address: Type.String({ description: 'The token of its platform' }),
  platform: Type.Optional(Type.String()),
})
export type Device = Static<typeof Device>

/** As lists tell them. */
export const Person = Type.Object({
  id: Type.Integer({ description: "Fairway's number" }),
  externalId: nullable(Type.String(), 'Your own id'),
  provisional: Type.Boolean({
    description: 'Their id is an address that serves as one, until an id comes with it',
  }),
  anonymousId: nullable(Type.String()),
  email: nullable(Type.String()),
  phone: nullable(Type.String()),
  timezone: nullable(Type.String()),
  language: nullable(Type.String()),
  properties: Properties,
  tags: Type.Array(Type.String()),
  topics: Type.Record(Type.String(), Type.Boolean(), { description: 'Which topics they want' }),
  channels: Type.Array(Device),
  subscribed: Type.Boolean(),
  suppressed: nullable(
    Type.Object({ reason: Type.String(), createdAt: Time, addedBy: nullable(Type.String()) }),
    'Why nothing is sent to them, whatever it is; null when it may be',
  ),
  createdAt: Time,
  updatedAt: Time,
})
export type Person = Static<typeof Person>

export const PersonDetail = Type.Object({
  ...Person.properties,
  aliases: Type.Array(
    Type.Object({
      alias: Type.String(),
      kind: Type.Enum(['external', 'anonymous']),
      createdAt: Time,
    }),
    { description: 'Other ids that lead here, at most 100' },
  ),
  segments: Type.Array(Type.Object({ id: Type.Integer(), name: Type.String() })),
})
export type PersonDetail = Static<typeof PersonDetail>

/** Whom a row is about, as far as lists name them. */
export const PersonName = Type.Object({
  id: Type.Integer(),
  externalId: nullable(Type.String()),
  email: nullable(Type.String()),
})
export type PersonName = Static<typeof PersonName>

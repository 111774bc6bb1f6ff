import { type Static, Type } from 'typebox'
import { nullable, Time } from './basics.ts'

export const KeyKind = Type.Enum(['tracking', 'secret'])
export type KeyKind = Static<typeof KeyKind>

export const ApiKey = Type.Object({
  id: Type.Integer(),
  kind: KeyKind,
  name: Type.String(),
  prefix: Type.String({ description: 'The first characters of the key, so that people tell keys apart' }),
  createdAt: Time,
  lastUsedAt: nullable(Time),
  revokedAt: nullable(Time),
})
export type ApiKey = Static<typeof ApiKey>

export const CreatedKey = Type.Object({
  ...ApiKey.properties,
  key: Type.String({ description: 'Can not be read again' }),
})
export type CreatedKey = Static<typeof CreatedKey>

import { type Static, Type } from 'typebox'
import { Time } from './basics.ts'

/** What is left to show of a person who was erased: nothing personal. */
export const Erasure = Type.Object({
  id: Type.String(),
  idHash: Type.String({
    description: "Keyed hash of the person's id: tells whether two receipts are of one id",
  }),
  erasedAt: Time,
  requestedBy: Type.String(),
  removed: Type.Record(Type.String(), Type.Integer(), { description: 'Rows removed, by place' }),
  note: Type.String({ description: 'What is removed later' }),
})
export type Erasure = Static<typeof Erasure>

import { type Static, Type } from 'typebox'
import { nullable, Time } from './basics.ts'

/** An address that is never sent to, whoever has it. */
export const Suppression = Type.Object({
  address: Type.String({ description: 'As addresses are compared: in lower case' }),
  reason: Type.String(),
  createdAt: Time,
  addedBy: nullable(
    Type.String(),
    "A member's address, or the beginning of a key; null where nobody did it by hand",
  ),
})
export type Suppression = Static<typeof Suppression>

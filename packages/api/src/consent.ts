import { type Static, Type } from 'typebox'

/** Under which a message may be sent. */
export const Consent = Type.Union([
  Type.Object({ kind: Type.Literal('transactional') }),
  Type.Object({
    kind: Type.Literal('marketing', { description: "Heeds the person's opt-out, and the one of the topic" }),
    topic: Type.Optional(Type.String()),
  }),
  Type.Object({
    kind: Type.Literal('legal'),
    reason: Type.String({ description: 'Why the law asks for it' }),
  }),
])
export type Consent = Static<typeof Consent>

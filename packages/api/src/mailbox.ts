import { type Static, Type } from 'typebox'
import { nullable, Time } from './basics.ts'

/** A mail of the sandbox mailbox. */
export const Mail = Type.Object({
  id: Type.Integer(),
  messageId: Type.String(),
  envelopeFrom: Type.String(),
  envelopeTo: Type.Array(Type.String()),
  subject: Type.String(),
  receivedAt: Time,
})
export type Mail = Static<typeof Mail>

export const MailDetail = Type.Object({
  ...Mail.properties,
  html: nullable(Type.String()),
  text: nullable(Type.String()),
  headers: Type.Array(Type.Object({ name: Type.String(), value: Type.String() })),
  attachments: Type.Array(
    Type.Object({
      filename: nullable(Type.String()),
      contentType: Type.String(),
      bytes: Type.Integer(),
    }),
  ),
  source: Type.String({ description: 'The whole message as it would have left' }),
})
export type MailDetail = Static<typeof MailDetail>

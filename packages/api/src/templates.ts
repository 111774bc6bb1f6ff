import { type Static, Type } from 'typebox'
import { nullable, Time } from './basics.ts'
import { CampaignState } from './campaigns.ts'

export const Template = Type.Object({
  id: Type.Integer(),
  key: nullable(Type.String(), 'Name that API callers may use instead of the id'),
  name: Type.String(),
  fromAddress: nullable(Type.String()),
  replyTo: nullable(Type.String()),
  subject: Type.String(),
  preheader: nullable(Type.String()),
  html: Type.String(),
  text: nullable(Type.String(), 'Null: made from the HTML'),
  headers: Type.Record(Type.String(), Type.String()),
  createdAt: Time,
  updatedAt: Time,
  senderProblem: nullable(
    Type.String(),
    'What keeps its live mail from leaving, on account of the sender; null when nothing does',
  ),
})
export type Template = Static<typeof Template>

/** Something that sends a template. */
export const TemplateUser = Type.Object({
  kind: Type.Literal('campaign'),
  id: Type.Integer(),
  name: Type.String(),
  state: CampaignState,
})
export type TemplateUser = Static<typeof TemplateUser>

/** A mail as it would be sent. */
export const TemplatePreview = Type.Object({
  from: Type.String(),
  replyTo: Type.String(),
  subject: Type.String(),
  preheader: nullable(Type.String()),
  html: Type.String(),
  text: Type.String(),
  headers: Type.Record(Type.String(), Type.String()),
  person: nullable(
    Type.Object({ id: Type.Integer(), email: nullable(Type.String()) }),
    'Whom it was rendered for; null: somebody made up',
  ),
  senderProblem: nullable(Type.String(), 'Why a mail with this sender could not leave'),
})
export type TemplatePreview = Static<typeof TemplatePreview>

import { type Static, Type } from 'typebox'
import { nullable, Time } from './basics.ts'
import { Retrying, SendingNow } from './sending.ts'

/** An SMTP server of a project, without its password. */
export const Provider = Type.Object({
  id: Type.Integer(),
  kind: Type.Literal('smtp'),
  name: Type.String(),
  active: Type.Boolean({ description: 'Mail leaves through it' }),
  limits: Type.Object(
    {
      perSecond: Type.Number({ description: '0: without a limit' }),
      connections: Type.Integer(),
    },
    { description: 'Of each process' },
  ),
  config: Type.Object({
    host: Type.String(),
    port: Type.Integer(),
    secure: Type.Boolean({ description: 'TLS from the first byte' }),
    startTls: Type.Optional(Type.Enum(['required', 'opportunistic', 'never'])),
    user: Type.Optional(Type.String()),
    hasPassword: Type.Boolean(),
    clientName: Type.Optional(Type.String()),
    verifyCertificate: Type.Optional(Type.Boolean()),
  }),
  createdAt: Time,
  updatedAt: Time,
  lastTest: nullable(
    Type.Object({ at: Time, error: nullable(Type.String()) }),
    'Of the settings that it has; null when they were not tried yet',
  ),
})
export type Provider = Static<typeof Provider>

export const ListedProvider = Type.Object({
  ...Provider.properties,
  retrying: nullable(Retrying, 'What could not be sent through it yet; null for one that is not used'),
})
export type ListedProvider = Static<typeof ListedProvider>

export const ChangedProvider = Type.Object({ ...Provider.properties, sending: SendingNow })
export type ChangedProvider = Static<typeof ChangedProvider>

export const RemovedProvider = Type.Object({ sending: SendingNow })
export type RemovedProvider = Static<typeof RemovedProvider>

export const ProviderTest = Type.Object({ ok: Type.Literal(true) })
export type ProviderTest = Static<typeof ProviderTest>

/** A domain whose mail is signed (DKIM). */
export const SendingDomain = Type.Object({
  domain: Type.String(),
  selector: Type.String(),
  record: Type.Object(
    { name: Type.String(), type: Type.String(), value: Type.String() },
    { description: 'To be published in DNS' },
  ),
  createdAt: Time,
})
export type SendingDomain = Static<typeof SendingDomain>

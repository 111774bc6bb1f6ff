import {
  ChangedProvider,
  ListedProvider,
  Provider,
  ProviderTest,
  RemovedProvider,
  SendingDomain,
  Whole,
} from '@fairway/api'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import type { App } from '../../platform/app.ts'
import { created, noContent, ok } from '../../platform/http/answers.ts'
import { readAtDescription, readAtMember } from '../../platform/read-at.ts'
import { addDomain, listDomains, removeDomain } from './email/domains.ts'
import { channels } from './list.ts'
import { createProvider, deleteProvider, listProviders, testProvider, updateProvider } from './providers.ts'
import { readSendingNow } from './sending-now.ts'

const ProjectParams = Type.Object({ project: Type.String() })
const ProviderParams = Type.Object({
  project: Type.String(),
  provider: Type.Integer({ minimum: 1, maximum: 2_147_483_647 }),
})
const DomainParams = Type.Object({
  project: Type.String(),
  domain: Type.String({ maxLength: 253, pattern: '^[^\\0]*$' }),
})
const Address = Type.String({ maxLength: 320, pattern: '^[^\\s<>,;:"()@\\\\]+@[^\\s<>,;:"()@\\\\]+$' })
const Limits = Type.Object(
  {
    perSecond: Type.Optional(
      Type.Number({ minimum: 0, maximum: 100_000, description: '0: without a limit' }),
    ),
    connections: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
  },
  { additionalProperties: false, description: 'Of each process' },
)
const Config = channels.email!.providers.smtp!.schema
const Name = Type.Optional(Type.String({ maxLength: 200, pattern: '^[^\\0]*$' }))

/** Where mail leaves and how it is signed; registered in the project scope. */
export const channelRoutes = (app: App) => async (plugin: FastifyInstance) => {
  const server = plugin.withTypeProvider<TypeBoxTypeProvider>()

  server.get(
    '/providers',
    {
      config: { right: 'project.read' },
      schema: {
        summary: 'SMTP servers of the project, without passwords',
        tags: ['providers'],
        params: ProjectParams,
        response: ok(Whole(ListedProvider)),
      },
    },
    async ({ project }) => ({ items: await listProviders(app, project.id), nextCursor: null }),
  )

  server.post(
    '/providers',
    {
      config: { right: 'sending.manage' },
      schema: {
        summary: 'Add an SMTP server',
        description:
          'It is used from now on where no other is in use, or with `active: true`; else it waits for `active: true` by PATCH, so that it can be tested first.',
        tags: ['providers'],
        params: ProjectParams,
        body: Type.Object(
          {
            kind: Type.Optional(Type.Literal('smtp')),
            name: Name,
            config: Config,
            limits: Type.Optional(Limits),
            active: Type.Optional(Type.Boolean()),
          },
          { additionalProperties: false },
        ),
        response: created(Provider),
      },
    },
    async (request, reply) => {
      return reply.code(201).send(await createProvider(app, request.project.id, request.body))
    },
  )

  server.patch(
    '/providers/:provider',
    {
      config: { right: 'sending.manage' },
      schema: {
        summary: 'Change an SMTP server',
        description: `A config without a password keeps the stored one. \`active: true\` makes it the one that is used. \`sending\` of the reply says how mail leaves then. ${readAtDescription}`,
        tags: ['providers'],
        params: ProviderParams,
        body: Type.Object(
          {
            name: Name,
            config: Type.Optional(Config),
            limits: Type.Optional(Limits),
            active: Type.Optional(Type.Boolean()),
            ...readAtMember,
          },
          { additionalProperties: false },
        ),
        response: ok(ChangedProvider),
      },
    },
    async ({ project, params, body }) => {
      const { updatedAt, ...changes } = body
      const provider = await updateProvider(app, project.id, params.provider, changes, updatedAt)
      return { ...provider, sending: await readSendingNow(app, project.id) }
    },
  )

  server.delete(
    '/providers/:provider',
    {
      config: { right: 'sending.manage' },
      schema: {
        summary: 'Remove an SMTP server',
        description:
          '`sending` of the reply says how mail leaves now, how much waits, and which other servers there are.',
        tags: ['providers'],
        params: ProviderParams,
        response: ok(RemovedProvider),
      },
    },
    async ({ project, params }) => {
      await deleteProvider(app, project.id, params.provider)
      return { sending: await readSendingNow(app, project.id) }
    },
  )

  server.post(
    '/providers/:provider/test',
    {
      config: { right: 'sending.manage' },
      schema: {
        summary: 'Try an SMTP server',
        description:
          'Connects and logs in; with `to`, sends a mail there, from `from`: by default the sender of the newest template that has one, else `to`. A failure is a 422 with what the server said.',
        tags: ['providers'],
        params: ProviderParams,
        body: Type.Optional(
          Type.Object(
            { to: Type.Optional(Address), from: Type.Optional(Address) },
            { additionalProperties: false },
          ),
        ),
        response: ok(ProviderTest),
      },
    },
    async (request) => {
      const { to, from } = request.body ?? {}
      const mail = to === undefined ? undefined : { to, from }
      await testProvider(app, request.project.id, request.params.provider, mail)
      return { ok: true }
    },
  )

  server.get(
    '/domains',
    {
      config: { right: 'project.read' },
      schema: {
        summary: 'Domains that mail is signed for',
        tags: ['domains'],
        params: ProjectParams,
        response: ok(Whole(SendingDomain)),
      },
    },
    async ({ project }) => ({ items: await listDomains(app, project.id), nextCursor: null }),
  )

  server.post(
    '/domains',
    {
      config: { right: 'sending.manage' },
      schema: {
        summary: 'Sign the mail of a domain (DKIM)',
        description: 'The reply has the DNS record to publish.',
        tags: ['domains'],
        params: ProjectParams,
        body: Type.Object({ domain: Type.String({ maxLength: 254 }) }, { additionalProperties: false }),
        response: created(SendingDomain),
      },
    },
    async (request, reply) => {
      return reply.code(201).send(await addDomain(app, request.project.id, request.body.domain))
    },
  )

  server.delete(
    '/domains/:domain',
    {
      config: { right: 'sending.manage' },
      schema: {
        summary: 'Stop signing the mail of a domain',
        tags: ['domains'],
        params: DomainParams,
        response: noContent,
      },
    },
    async (request, reply) => {
      await removeDomain(app, request.project.id, request.params.domain)
      return reply.code(204).send()
    },
  )
}

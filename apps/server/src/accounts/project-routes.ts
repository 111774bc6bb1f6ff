import { ApiKey, CreatedKey, Project, ProjectSettings, Whole } from '@fairway/api'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { App } from '../platform/app.ts'
import { acceptedWithoutContent, created, noContent, ok } from '../platform/http/answers.ts'
import { readAtDescription, readAtMember } from '../platform/read-at.ts'
import { rightsOf } from '../platform/rights.ts'
import { deleteProject, sweepDeletedProjects } from './delete-project.ts'
import { createKey, listKeys, revokeKey } from './keys.ts'
import { getProject, updateProject } from './projects.ts'

const ProjectParams = Type.Object({ project: Type.String() })
const KeyParams = Type.Object({
  project: Type.String(),
  key: Type.Integer({ minimum: 1, maximum: 2_147_483_647 }),
})

/** A secret key could make another, and live on in it after it was revoked. */
const rightForKey = ({ body }: FastifyRequest) =>
  (body as { kind?: unknown }).kind === 'tracking' ? undefined : 'keys.secret'

/** A project's settings and keys; registered in the project scope. */
export const projectRoutes = (app: App) => async (plugin: FastifyInstance) => {
  const server = plugin.withTypeProvider<TypeBoxTypeProvider>()

  server.get(
    '/settings',
    {
      config: { right: 'project.read' },
      schema: {
        summary: "The project's settings, and the caller's rights",
        tags: ['projects'],
        params: ProjectParams,
        response: ok(ProjectSettings),
      },
    },
    async ({ project, projectRole }) => ({
      ...(await getProject(app, project.id)),
      rights: rightsOf(projectRole!, 'project'),
      installationProvider: app.config.smtpUrl !== undefined,
    }),
  )

  server.patch(
    '/settings',
    {
      config: { right: 'project.change' },
      schema: {
        summary: "Change the project's settings",
        description: `Members that are left out stay as they are. ${readAtDescription}`,
        tags: ['projects'],
        params: ProjectParams,
        body: Type.Object(
          {
            name: Type.Optional(Type.String()),
            mode: Type.Optional(Type.Union([Type.Literal('test'), Type.Literal('live')])),
            testAddress: Type.Optional(Type.Union([Type.String(), Type.Null()])),
            timezone: Type.Optional(Type.String({ description: 'IANA name, such as Europe/Berlin' })),
            eventRetentionDays: Type.Optional(Type.Union([Type.Integer(), Type.Null()])),
            defaultCountry: Type.Optional(
              Type.Union([
                Type.String({ description: 'Of phone numbers without a country code: DE, US, …' }),
                Type.Null(),
              ]),
            ),
            ...readAtMember,
          },
          { additionalProperties: false },
        ),
        response: ok(Project),
      },
    },
    (request) => {
      const { updatedAt, ...changes } = request.body
      return updateProject(app, request.project.id, changes, updatedAt)
    },
  )

  server.delete(
    '/',
    {
      config: { right: 'project.delete' },
      schema: {
        summary: 'Delete the project with everything in it',
        description: 'Its keys end at once; its rows are removed in the background.',
        tags: ['projects'],
        params: ProjectParams,
        response: acceptedWithoutContent,
      },
    },
    async (request, reply) => {
      await deleteProject(app, request.project.id)
      // Not awaited: a large project takes minutes. What an error or a stop leaves behind, maintenance removes.
      void sweepDeletedProjects(app).catch((error) =>
        app.log.warn({ err: error }, 'removing a deleted project was interrupted'),
      )
      return reply.code(202).send()
    },
  )

  server.get(
    '/keys',
    {
      config: { right: 'keys.manage' },
      schema: {
        summary: "The project's keys, without the keys themselves",
        tags: ['keys'],
        params: ProjectParams,
        response: ok(Whole(ApiKey)),
      },
    },
    async (request) => {
      return { items: await listKeys(app, request.project.id), nextCursor: null }
    },
  )

  server.post(
    '/keys',
    {
      config: { right: 'keys.manage', alsoNeeds: rightForKey },
      schema: {
        summary: 'Create or import a key',
        description: 'The reply holds the key, which can not be read again.',
        tags: ['keys'],
        params: ProjectParams,
        body: Type.Object(
          {
            kind: Type.Union([Type.Literal('tracking'), Type.Literal('secret')]),
            name: Type.Optional(Type.String({ maxLength: 200 })),
            value: Type.Optional(
              Type.String({
                description:
                  'An existing tracking key of another platform, so that clients only change their host',
              }),
            ),
          },
          { additionalProperties: false },
        ),
        response: created(CreatedKey),
      },
    },
    async (request, reply) => {
      return reply.code(201).send(await createKey(app, request.project.id, request.body))
    },
  )

  server.delete(
    '/keys/:key',
    {
      config: { right: 'keys.manage' },
      schema: {
        summary: 'Revoke a key',
        description: 'Every process refuses it within 10 seconds.',
        tags: ['keys'],
        params: KeyParams,
        response: noContent,
      },
    },
    async (request, reply) => {
      await revokeKey(app, request.project.id, request.params.key)
      return reply.code(204).send()
    },
  )
}

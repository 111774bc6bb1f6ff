import { Page, Source, SourceTest } from '@fairway/api'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import type { App } from '../../platform/app.ts'
import { accepted, created, noContent, ok } from '../../platform/http/answers.ts'
import { longListInBody } from '../../platform/json-limits.ts'
import { readAtDescription, readAtMember } from '../../platform/read-at.ts'
import { importKinds } from '../imports/kinds.ts'
import { ImportMapping, ImportOptions } from '../imports/routes.ts'
import { runSource } from './run.ts'
import { createSource, deleteSource, getSource, listSources, updateSource } from './source.ts'
import { tryQuery } from './try.ts'

const tags = ['sources']
const ProjectParams = Type.Object({ project: Type.String() })
const SourceParams = Type.Object({
  project: Type.String(),
  source: Type.Integer({ minimum: 1, maximum: 2_147_483_647 }),
})
const oneOf = <const T extends readonly string[]>(values: T) =>
  Type.Unsafe<T[number]>(Type.Union(values.map((value) => Type.Literal(value))))
const nullable = <T extends ReturnType<typeof Type.String> | ReturnType<typeof Type.Integer>>(schema: T) =>
  Type.Union([schema, Type.Null()])

const Kind = oneOf(['postgres', 'mysql'] as const)
const Url = Type.String({
  maxLength: 2_000,
  description:
    'postgres://user:password@host:5432/database, mysql://…; ?sslmode=disable, require or verify-full',
})
const Query = Type.String({
  minLength: 1,
  maxLength: 100_000,
  pattern: '^[^\\0]*$',
  description: 'One SELECT',
})
const CursorColumn = nullable(Type.String({ minLength: 1, maxLength: 255, pattern: '^[^\\0]*$' }))
const Name = Type.String({ minLength: 1, maxLength: 255, pattern: '^[^\\0]*$' })
const EveryMinutes = nullable(Type.Integer({ minimum: 1, maximum: 43_200 }))
const Import = Type.Object(
  {
    kind: oneOf(importKinds),
    mapping: Type.Optional(ImportMapping),
    options: Type.Optional(ImportOptions),
  },
  { additionalProperties: false, description: 'As of an import' },
)

/** Queries of other databases whose rows are imported; registered in the project scope. */
export const sourceRoutes = (app: App) => async (plugin: FastifyInstance) => {
  const server = plugin.withTypeProvider<TypeBoxTypeProvider>()

  server.get(
    '/sources',
    {
      config: { right: 'project.read' },
      schema: {
        summary: 'SQL sources, without their passwords',
        tags,
        params: ProjectParams,
        querystring: Type.Object({
          limit: Type.Integer({ minimum: 1, maximum: 100, default: 100 }),
          cursor: Type.Optional(
            Type.Integer({
              minimum: 1,
              maximum: 2_147_483_647,
              description: 'nextCursor of the page before',
            }),
          ),
        }),
        response: ok(Page(Source)),
      },
    },
    ({ project, query }) => listSources(app, project.id, query),
  )

  server.post(
    '/sources',
    {
      config: { right: 'sources.manage', json: longListInBody },
      schema: {
        summary: 'Read people or events from a PostgreSQL or MySQL again and again',
        tags,
        params: ProjectParams,
        body: Type.Object(
          {
            name: Name,
            kind: Kind,
            url: Url,
            query: Query,
            cursorColumn: Type.Optional(CursorColumn),
            everyMinutes: Type.Optional(EveryMinutes),
            import: Import,
          },
          { additionalProperties: false },
        ),
        response: created(Source),
      },
    },
    async (request, reply) => {
      const { cursorColumn = null, everyMinutes = null, ...rest } = request.body
      return reply
        .code(201)
        .send(await createSource(app, request.project.id, { cursorColumn, everyMinutes, ...rest }))
    },
  )

  server.post(
    '/sources/test',
    {
      config: { right: 'sources.manage' },
      schema: {
        summary: 'The columns and the first rows of a query',
        description:
          'What is left out is taken from `source`. A failure is a 422 with what the database said.',
        tags,
        params: ProjectParams,
        body: Type.Object(
          {
            source: Type.Optional(Type.Integer({ minimum: 1, maximum: 2_147_483_647 })),
            kind: Type.Optional(Kind),
            url: Type.Optional(Url),
            query: Type.Optional(Query),
            cursorColumn: Type.Optional(CursorColumn),
          },
          { additionalProperties: false },
        ),
        response: ok(SourceTest),
      },
    },
    (request) => {
      return tryQuery(app, request.project.id, request.body)
    },
  )

  server.get(
    '/sources/:source',
    {
      config: { right: 'project.read' },
      schema: { summary: 'One SQL source', tags, params: SourceParams, response: ok(Source) },
    },
    ({ project, params }) => getSource(app, project.id, params.source),
  )

  server.patch(
    '/sources/:source',
    {
      config: { right: 'sources.manage', json: longListInBody },
      schema: {
        summary: 'Change an SQL source',
        description: `\`cursor: null\` begins again at the beginning, as does another cursor column. ${readAtDescription}`,
        tags,
        params: SourceParams,
        body: Type.Object(
          {
            name: Type.Optional(Name),
            kind: Type.Optional(Kind),
            url: Type.Optional(Url),
            query: Type.Optional(Query),
            cursorColumn: Type.Optional(CursorColumn),
            everyMinutes: Type.Optional(EveryMinutes),
            import: Type.Optional(Import),
            cursor: Type.Optional(Type.Null()),
            ...readAtMember,
          },
          { additionalProperties: false },
        ),
        response: ok(Source),
      },
    },
    (request) => {
      const { updatedAt, ...changes } = request.body
      return updateSource(app, request.project.id, request.params.source, changes, updatedAt)
    },
  )

  server.delete(
    '/sources/:source',
    {
      config: { right: 'sources.manage' },
      schema: {
        summary: 'Remove an SQL source; what it imported stays',
        tags,
        params: SourceParams,
        response: noContent,
      },
    },
    async (request, reply) => {
      await deleteSource(app, request.project.id, request.params.source)
      return reply.code(204).send()
    },
  )

  server.post(
    '/sources/:source/run',
    {
      config: { right: 'sources.manage' },
      schema: { summary: 'Run an SQL source now', tags, params: SourceParams, response: accepted(Source) },
    },
    async (request, reply) => {
      const { project, params } = request
      await runSource(app, project.id, params.source)
      return reply.code(202).send(await getSource(app, project.id, params.source))
    },
  )
}

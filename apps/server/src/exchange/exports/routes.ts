import { Export, Page } from '@fairway/api'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import type { App } from '../../platform/app.ts'
import { accepted, fileInParts, noContent, ok } from '../../platform/http/answers.ts'
import { conditionsInBody } from '../../platform/json-limits.ts'
import type { TaskKinds } from '../../platform/tasks/kind.ts'
import { sendFile } from './download.ts'
import { deleteExport, getExport, listExports, startExport } from './export.ts'
import { readRequest } from './request.ts'

const tags = ['exports']
const ProjectParams = Type.Object({ project: Type.String() })
const ExportParams = Type.Object({
  project: Type.String(),
  export: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
})
const oneOf = <const T extends string[]>(...values: T) =>
  Type.Unsafe<T[number]>(Type.Union(values.map((value) => Type.Literal(value))))
const Time = Type.String({ maxLength: 40, description: 'ISO 8601' })

/** Files of people, events and messages; registered in the project scope. */
export const exportRoutes = (app: App, kinds: TaskKinds) => async (plugin: FastifyInstance) => {
  const server = plugin.withTypeProvider<TypeBoxTypeProvider>()

  server.post(
    '/exports',
    {
      config: { right: 'people.export', json: conditionsInBody },
      schema: {
        summary: 'Export people, members of a segment, events or messages into a file',
        description:
          'The file is written in the background; `task` tells how far it is. Kept for seven days after that.',
        tags,
        params: ProjectParams,
        body: Type.Object(
          {
            kind: oneOf('people', 'events', 'messages', 'segment'),
            format: oneOf('csv', 'ndjson'),
            segment: Type.Optional(
              Type.Integer({
                minimum: 1,
                maximum: Number.MAX_SAFE_INTEGER,
                description: 'Whose members, for the kind `segment`',
              }),
            ),
            conditions: Type.Optional(
              Type.Unknown({ description: 'Only people for whom they hold; for `people` and `segment`' }),
            ),
            event: Type.Optional(
              Type.String({
                minLength: 1,
                maxLength: 255,
                pattern: '^[^\\0]*$',
                description: 'Only events of this name',
              }),
            ),
            from: Type.Optional(Time),
            to: Type.Optional(Time),
            bom: Type.Optional(
              Type.Boolean({
                description: 'CSV: begin with a byte order mark, which Excel needs; default false',
              }),
            ),
            formulas: Type.Optional(oneOf('guarded', 'kept')),
          },
          { additionalProperties: false },
        ),
        response: accepted(Export),
      },
    },
    async ({ project, body }, reply) =>
      reply.code(202).send(await startExport(app, project.id, await readRequest(app, project.id, body))),
  )

  server.get(
    '/exports',
    {
      config: { right: 'people.export' },
      schema: {
        summary: 'Exports, newest first',
        tags,
        params: ProjectParams,
        querystring: Type.Object({
          limit: Type.Integer({ minimum: 1, maximum: 100, default: 50 }),
          cursor: Type.Optional(
            Type.String({ maxLength: 200, description: 'nextCursor of the page before' }),
          ),
        }),
        response: ok(Page(Export)),
      },
    },
    ({ project, query }) => listExports(app, project.id, query),
  )

  server.get(
    '/exports/:export',
    {
      config: { right: 'people.export' },
      schema: { summary: 'How far an export is', tags, params: ExportParams, response: ok(Export) },
    },
    ({ project, params }) => getExport(app, project.id, params.export),
  )

  server.get(
    '/exports/:export/file',
    {
      config: { right: 'people.export' },
      // Answering it would read the whole file.
      exposeHeadRoute: false,
      schema: {
        summary: 'The file of a finished export',
        description:
          'With gzip where `Accept-Encoding` has it. `Range` asks for a part of the plain bytes, so that a download that broke goes on.',
        tags,
        params: ExportParams,
        response: fileInParts('text/csv', 'application/x-ndjson'),
      },
    },
    (request, reply) => sendFile(app, request, reply, request.params.export),
  )

  server.delete(
    '/exports/:export',
    {
      config: { right: 'people.export' },
      schema: {
        summary: 'Delete an export and its file; one under way ends',
        tags,
        params: ExportParams,
        response: noContent,
      },
    },
    async ({ project, params }, reply) => {
      await deleteExport(app, kinds, project.id, params.export)
      return reply.code(204).send()
    },
  )
}

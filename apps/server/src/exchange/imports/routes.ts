import { Readable } from 'node:stream'
import { Import, ImportReject, Page } from '@fairway/api'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { App } from '../../platform/app.ts'
import { created, file, noContent, ok } from '../../platform/http/answers.ts'
import { longListInBody } from '../../platform/json-limits.ts'
import type { RightToControl, TaskKinds } from '../../platform/tasks/kind.ts'
import { valueTypes } from './columns.ts'
import { createImport } from './create.ts'
import { delimiters, encodings, importLimits, quoteEscapes, quotes } from './format.ts'
import { describeImport, listImports, requireImport } from './imports.ts'
import { importKinds, importSources } from './kinds.ts'
import { readAgain } from './received.ts'
import { listRejects, rejectsCsv } from './rejects.ts'
import { commandImport, deleteImport, startImport } from './start.ts'
import { startUndo } from './undo-task.ts'
import { receivePart } from './upload.ts'

const tags = ['imports']
const ImportParams = Type.Object({
  project: Type.String(),
  import: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
})
const Paging = Type.Object({
  limit: Type.Integer({ minimum: 1, maximum: 100, default: 50 }),
  cursor: Type.Optional(Type.String({ maxLength: 200, description: 'nextCursor of the page before' })),
})
const oneOf = (values: readonly string[]) =>
  Type.Unsafe<never>(Type.Union(values.map((v) => Type.Literal(v))))

const FormatBody = Type.Object(
  {
    type: Type.Optional(oneOf(['csv', 'ndjson'])),
    delimiter: Type.Optional(oneOf(delimiters)),
    quote: Type.Optional(oneOf(quotes)),
    quoteEscape: Type.Optional(oneOf(quoteEscapes)),
    header: Type.Optional(Type.Boolean()),
    encoding: Type.Optional(oneOf(encodings)),
    file: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 1_000,
        pattern: '^[^\\0]*$',
        description: 'Of a .zip with several',
      }),
    ),
  },
  { additionalProperties: false, description: 'What you know of the file; the rest is found out' },
)
const Label = Type.String({ minLength: 1, maxLength: 254, pattern: '^[^\\0]*$' })
export const ImportOptions = Type.Object(
  {
    updateOnly: Type.Optional(Type.Boolean({ description: 'Reject rows of people who are not there' })),
    createOnly: Type.Optional(Type.Boolean({ description: 'Leave people alone who are there' })),
    resubscribe: Type.Optional(
      Type.Boolean({
        description: 'People who opted out may be subscribed by the file; otherwise they stay so',
      }),
    ),
    overwriteEmpty: Type.Optional(Type.Boolean({ description: 'Empty cells remove what is there' })),
    tags: Type.Optional(Type.Array(Label, { maxItems: 100, description: 'For everybody in the file' })),
    tagAction: Type.Optional(oneOf(['add', 'remove'])),
    tagSeparator: Type.Optional(Type.String({ minLength: 1, maxLength: 10 })),
    segment: Type.Optional(Type.Integer({ minimum: 1, maximum: 2_147_483_647 })),
    event: Type.Optional(Label),
    trigger: Type.Optional(Type.Boolean({ description: 'Events start campaigns' })),
    dates: Type.Optional(oneOf(['day_first', 'month_first'])),
    decimalComma: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
)

export const ImportMapping = Type.Record(
  Type.String(),
  Type.Object(
    { to: Type.String({ maxLength: 300 }), type: Type.Optional(oneOf(valueTypes)) },
    { additionalProperties: false },
  ),
  { maxProperties: importLimits.columns, description: 'Column → where it goes; default: the guesses' },
)

/** Files read into people, events and the like; registered in the project scope. */
export const importRoutes =
  (app: App, kinds: TaskKinds, rightToControl: RightToControl) => async (plugin: FastifyInstance) => {
    const server = plugin.withTypeProvider<TypeBoxTypeProvider>()
    // What runs may be its undoing.
    const rightOfTask = async ({ project, params }: FastifyRequest) => {
      const { task_id } = await requireImport(app, project.id, (params as { import: number }).import)
      return task_id === null ? undefined : rightToControl(app, project.id, task_id)
    }

    server.post(
      '/imports',
      {
        config: { right: 'imports.run' },
        schema: {
          summary: 'Make an import, to be uploaded or fetched from an address',
          tags,
          params: Type.Object({ project: Type.String() }),
          body: Type.Object(
            {
              kind: oneOf(importKinds),
              name: Type.Optional(Type.String({ maxLength: 255, pattern: '^[^\\0]*$' })),
              url: Type.Optional(Type.String({ maxLength: 4_000 })),
              from: Type.Optional(oneOf(importSources)),
              format: Type.Optional(FormatBody),
            },
            { additionalProperties: false },
          ),
          response: created(Import),
        },
      },
      async ({ project, body }, reply) => {
        const row = await createImport(app, project.id, body)
        return reply.code(201).send(await describeImport(app, row))
      },
    )

    server.get(
      '/imports',
      {
        config: { right: 'project.read' },
        schema: {
          summary: 'Imports, newest first',
          tags,
          params: Type.Object({ project: Type.String() }),
          querystring: Paging,
          response: ok(Page(Import)),
        },
      },
      ({ project, query }) => listImports(app, project.id, query),
    )

    server.get(
      '/imports/:import',
      {
        config: { right: 'people.read' },
        schema: { summary: 'One import', tags, params: ImportParams, response: ok(Import) },
      },
      async ({ project, params }) => describeImport(app, await requireImport(app, project.id, params.import)),
    )

    server.patch(
      '/imports/:import',
      {
        config: { right: 'imports.run' },
        schema: {
          summary: 'Look at the file again, with what you know of it',
          tags,
          params: ImportParams,
          body: Type.Object({ format: FormatBody }, { additionalProperties: false }),
          response: ok(Import),
        },
      },
      async ({ project, params, body }) =>
        describeImport(app, await readAgain(app, project.id, params.import, body.format)),
    )

    await server.register(uploadRoute(app))

    server.post(
      '/imports/:import/start',
      {
        config: { right: 'imports.run', json: longListInBody },
        schema: {
          summary: 'Start an import, or only try it',
          tags,
          params: ImportParams,
          body: Type.Object(
            {
              mapping: Type.Optional(ImportMapping),
              options: Type.Optional(ImportOptions),
              dryRun: Type.Optional(Type.Boolean()),
            },
            { additionalProperties: false },
          ),
          response: ok(Import),
        },
      },
      async ({ project, params, body }) =>
        describeImport(app, await startImport(app, project.id, params.import, body)),
    )

    for (const [command, summary] of [
      ['pause', 'Stop after the step under way; what is done stays'],
      ['resume', 'Go on with a paused import'],
      ['cancel', 'Stop for good; what is done stays, and can be undone'],
    ] as const)
      server.post(
        `/imports/:import/${command}`,
        {
          config: { right: 'imports.run', alsoNeeds: rightOfTask },
          schema: { summary, tags, params: ImportParams, response: ok(Import) },
        },
        async ({ project, params }) =>
          describeImport(app, await commandImport(app, kinds, project.id, params.import, command)),
      )

    server.post(
      '/imports/:import/undo',
      {
        config: { right: 'imports.undo' },
        schema: {
          summary: 'Take back what an import that ended did',
          description: 'What somebody changed since stays as it is.',
          tags,
          params: ImportParams,
          response: ok(Import),
        },
      },
      async ({ project, params }) => describeImport(app, await startUndo(app, project.id, params.import)),
    )

    server.delete(
      '/imports/:import',
      {
        config: { right: 'content.delete' },
        schema: {
          summary: 'Remove an import, its file and its rejected rows; what it imported stays',
          tags,
          params: ImportParams,
          response: noContent,
        },
      },
      async ({ project, params }, reply) => {
        await deleteImport(app, project.id, params.import)
        return reply.code(204).send()
      },
    )

    server.get(
      '/imports/:import/rejects',
      {
        config: { right: 'people.read' },
        schema: {
          summary: 'Rows that were not imported, and why',
          tags,
          params: ImportParams,
          querystring: Paging,
          response: ok(Page(ImportReject)),
        },
      },
      async ({ project, params, query }) =>
        listRejects(app, await requireImport(app, project.id, params.import), query),
    )

    server.get(
      '/imports/:import/rejects.csv',
      {
        config: { right: 'people.read' },
        schema: {
          summary: 'The same as a file to be corrected and imported',
          tags,
          params: ImportParams,
          response: file('text/csv'),
        },
      },
      async ({ project, params }, reply) => {
        const row = await requireImport(app, project.id, params.import)
        return reply
          .header('content-type', 'text/csv; charset=utf-8')
          .header('content-disposition', `attachment; filename="import-${row.id}-rejects.csv"`)
          .send(Readable.from(rejectsCsv(app, row)))
      },
    )
  }

/** By itself, because it takes bodies as streams. */
const uploadRoute = (app: App) => async (plugin: FastifyInstance) => {
  const server = plugin.withTypeProvider<TypeBoxTypeProvider>()
  server.removeAllContentTypeParsers()
  server.addContentTypeParser('*', (_request, payload, done) => done(null, payload))

  server.put(
    '/imports/:import/file',
    {
      config: { right: 'imports.run' },
      bodyLimit: importLimits.fileBytes,
      schema: {
        summary: 'Upload the file, whole or in parts',
        description:
          'A part must arrive within a minute. After a break, go on at the offset that the import tells.',
        tags,
        consumes: ['application/octet-stream'],
        params: ImportParams,
        querystring: Type.Object({
          offset: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, default: 0 }),
          last: Type.Boolean({ default: false, description: 'Whether the file ends with this part' }),
        }),
        response: ok(Import),
      },
    },
    async (request) => {
      const { project, params, query } = request
      const body = (request.body as Readable | undefined) ?? Readable.from([])
      return describeImport(app, await receivePart(app, project.id, params.import, { ...query, body }))
    },
  )
}

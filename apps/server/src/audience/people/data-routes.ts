import { Readable } from 'node:stream'
import { Erasure, Page } from '@fairway/api'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import type { App } from '../../platform/app.ts'
import { file, ok } from '../../platform/http/answers.ts'
import { erasePerson, parsePersonPath, requirePerson } from './edit.ts'
import { exportPerson } from './export.ts'
import { listReceipts } from './receipts.ts'
import { Paging, PersonParams, ProjectParams } from './routes.ts'

const tags = ['people']

/** What the law lets people ask for: their data, and its erasure; registered in the project scope. */
export const personDataRoutes = (app: App) => async (plugin: FastifyInstance) => {
  const server = plugin.withTypeProvider<TypeBoxTypeProvider>()

  server.get(
    '/people/:person/export',
    {
      config: { right: 'people.export' },
      exposeHeadRoute: false,
      schema: {
        summary: 'Everything held about a person, as a JSON file',
        description:
          'The person, every id that leads to them, segments, events, messages and changes, all of them.',
        tags,
        params: PersonParams,
        response: file('application/json'),
      },
    },
    async ({ project, params }, reply) => {
      const { id } = await requirePerson(app, project.id, parsePersonPath(params.person))
      return reply
        .header('content-type', 'application/json; charset=utf-8')
        .header('content-disposition', `attachment; filename="person-${id}.json"`)
        .send(Readable.from(exportPerson(app, project.id, id)))
    },
  )

  server.delete(
    '/people/:person',
    {
      config: { right: 'people.erase' },
      schema: {
        summary: 'Erase a person',
        description:
          'Their data, events and history are gone; messages stay as numbers without anything personal. Answers the receipt.',
        tags,
        params: PersonParams,
        response: ok(Erasure),
      },
    },
    async ({ project, params, actor }) => {
      const person = await requirePerson(app, project.id, parsePersonPath(params.person))
      return erasePerson(app, project.id, person, actor)
    },
  )

  server.get(
    '/erasures',
    {
      config: { right: 'people.read' },
      schema: {
        summary: 'Receipts of erasures, newest first',
        tags,
        params: ProjectParams,
        querystring: Type.Object(Paging),
        response: ok(Page(Erasure)),
      },
    },
    ({ project, query }) => listReceipts(app, project.id, query),
  )
}

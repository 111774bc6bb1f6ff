import { Overview, Page, Reject } from '@fairway/api'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { maxPersonPathLength, parsePersonPath, requirePerson } from '../../audience/people/edit.ts'
import type { App } from '../../platform/app.ts'
import { file, ok } from '../../platform/http/answers.ts'
import { LiveStreams } from './live-streams.ts'
import { maxRangeHours, readOverview } from './overview.ts'
import { listRejects } from './rejects.ts'

const ProjectParams = Type.Object({ project: Type.String() })

/** How a project is doing; registered in the project scope. */
export const overviewRoutes = (app: App) => async (plugin: FastifyInstance) => {
  const server = plugin.withTypeProvider<TypeBoxTypeProvider>()

  server.get(
    '/overview',
    {
      config: { right: 'project.read' },
      schema: {
        summary: 'Events and messages over time, waiting work, and what needs attention',
        tags: ['overview'],
        params: ProjectParams,
        querystring: Type.Object({
          hours: Type.Integer({ minimum: 1, maximum: maxRangeHours, default: 24 }),
        }),
        response: ok(Overview),
      },
    },
    ({ project, query }) => readOverview(app, project.id, query.hours),
  )

  server.get(
    '/rejects',
    {
      config: { right: 'people.read' },
      schema: {
        summary: 'Accepted items that could not be processed, newest first',
        tags: ['overview'],
        params: ProjectParams,
        querystring: Type.Object({
          limit: Type.Integer({ minimum: 1, maximum: 100, default: 50 }),
          cursor: Type.Optional(Type.Integer({ minimum: 1, description: 'nextCursor of the page before' })),
        }),
        response: ok(Page(Reject)),
      },
    },
    ({ project, query }) => listRejects(app, project.id, query),
  )

  const live = new LiveStreams(app)
  server.addHook('preClose', async () => live.close())

  server.get(
    '/live',
    {
      config: { right: 'people.read' },
      exposeHeadRoute: false,
      schema: {
        summary: 'The latest events as they arrive (server-sent events)',
        description:
          'Each message is named `event` and holds one event as JSON. Ends after ten minutes, and when the key or session does; reconnect.',
        tags: ['overview'],
        params: ProjectParams,
        response: file('text/event-stream'),
      },
    },
    (request, reply) => live.open(request, reply, { projectId: request.project.id }),
  )

  server.get(
    '/people/:person/live',
    {
      config: { right: 'people.read' },
      exposeHeadRoute: false,
      schema: {
        summary: 'The latest events of a person as they arrive (server-sent events)',
        description: "As the project's.",
        tags: ['overview'],
        params: Type.Object({
          project: Type.String(),
          person: Type.String({ maxLength: maxPersonPathLength }),
        }),
        response: file('text/event-stream'),
      },
    },
    async (request, reply) => {
      const { project, params } = request
      const person = await requirePerson(app, project.id, parsePersonPath(params.person))
      return live.open(request, reply, { projectId: project.id, personId: person.id })
    },
  )
}

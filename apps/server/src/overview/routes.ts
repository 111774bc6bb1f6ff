import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { App } from '../app.ts'
import { parsePersonPath, requirePerson } from '../people/edit.ts'
import { type EventStream, openEventStream } from './event-stream.ts'
import { LiveEvents, type Watched } from './live-events.ts'
import { longestRangeHours, readOverview } from './overview.ts'
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
          hours: Type.Integer({ minimum: 1, maximum: longestRangeHours, default: 24 }),
        }),
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
      },
    },
    ({ project, query }) => listRejects(app, project.id, query),
  )

  const live = new LiveEvents(app)
  const streams = new Set<EventStream>()
  server.addHook('preClose', async () => {
    for (const stream of streams) stream.close()
  })
  const openLive = (request: FastifyRequest, reply: FastifyReply, watched: Watched) => {
    let stream: EventStream | undefined
    // Subscribed first: a refusal is still an ordinary reply. The first events come in a later turn.
    const waiting: object[] = []
    const unsubscribe = live.subscribe(watched, (events) => {
      if (!stream) waiting.push(...events)
      else for (const event of events) stream.send('event', event)
    })
    const opened = openEventStream(request, reply, () => {
      unsubscribe()
      streams.delete(opened)
    })
    stream = opened
    streams.add(opened)
    for (const event of waiting) opened.send('event', event)
  }

  server.get(
    '/live',
    {
      config: { right: 'people.read' },
      exposeHeadRoute: false,
      schema: {
        summary: 'The latest events as they arrive (server-sent events)',
        description:
          'Each message is named `event` and holds one event as JSON. Ends after ten minutes; reconnect.',
        tags: ['overview'],
        params: ProjectParams,
      },
    },
    (request, reply) => openLive(request, reply, { projectId: request.project.id }),
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
        params: Type.Object({ project: Type.String(), person: Type.String({ maxLength: 300 }) }),
      },
    },
    async (request, reply) => {
      const { project, params } = request
      const person = await requirePerson(app, project.id, parsePersonPath(params.person))
      openLive(request, reply, { projectId: project.id, personId: person.id })
      return reply
    },
  )
}

import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import type { App } from '../app.ts'
import { countByHour, listEvents } from './list.ts'

const tags = ['events']
const ProjectParams = Type.Object({ project: Type.String() })

/** What happened; registered in the project scope. */
export const eventRoutes = (app: App) => async (plugin: FastifyInstance) => {
  const server = plugin.withTypeProvider<TypeBoxTypeProvider>()

  server.get(
    '/events',
    {
      schema: {
        summary: 'Events, newest first',
        description: 'Capitals, spaces, underscores and dashes in `name` make no difference.',
        tags,
        params: ProjectParams,
        querystring: Type.Object({
          name: Type.Optional(Type.String({ maxLength: 255 })),
          person: Type.Optional(Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER })),
          limit: Type.Integer({ minimum: 1, maximum: 100, default: 50 }),
          cursor: Type.Optional(
            Type.String({ maxLength: 200, description: 'nextCursor of the page before' }),
          ),
        }),
      },
    },
    ({ project, query: { limit, cursor, name, person } }) =>
      listEvents(app, project.id, { name: name?.trim() || undefined, person }, { limit, cursor }),
  )

  server.get(
    '/events/counts',
    {
      schema: {
        summary: 'What was ingested, hour by hour',
        description:
          'Per hour of acceptance: `events`, `identifies`, `tags`, `merges`, `subscriptions`, `suppressions`, ' +
          '`deletes`, `duplicates`, `rejected`, `erased` (came after their person was erased).',
        tags,
        params: ProjectParams,
        querystring: Type.Object({ hours: Type.Integer({ minimum: 1, maximum: 2_160, default: 24 }) }),
      },
    },
    async ({ project, query }) => ({
      items: await countByHour(app, project.id, query.hours),
      nextCursor: null,
    }),
  )
}

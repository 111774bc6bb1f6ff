import { Event, EventPoint, HourCounts, Page, Whole } from '@fairway/api'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { ok } from '../../platform/http/answers.ts'
import { countByHour, listEvents } from './list.ts'
import { countOverTime } from './over-time.ts'

const tags = ['events']
const ProjectParams = Type.Object({ project: Type.String() })

/** What happened; registered in the project scope. */
export const eventRoutes = async (plugin: FastifyInstance) => {
  const server = plugin.withTypeProvider<TypeBoxTypeProvider>()

  server.get(
    '/events',
    {
      config: {
        right: 'people.read',
        expensive: { narrow: 'Ask for a smaller page by `limit`, or for one `name`.' },
      },
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
        response: ok(Page(Event)),
      },
    },
    ({ project, seat, query: { limit, cursor, name, person } }) =>
      listEvents(seat, project.id, { name: name?.trim() || undefined, person }, { limit, cursor }),
  )

  server.get(
    '/events/counts',
    {
      config: { right: 'project.read', expensive: { narrow: 'Ask for fewer `hours`.' } },
      schema: {
        summary: 'What was ingested, hour by hour',
        description:
          'Per hour of acceptance: `events`, `identifies`, `tags`, `merges`, `subscriptions`, `suppressions`, ' +
          '`deletes`, `duplicates`, `rejected`, `erased` (came after their person was erased).',
        tags,
        params: ProjectParams,
        querystring: Type.Object({ hours: Type.Integer({ minimum: 1, maximum: 2_160, default: 24 }) }),
        response: ok(Whole(HourCounts)),
      },
    },
    async ({ project, seat, query }) => ({
      items: await countByHour(seat, project.id, query.hours),
      nextCursor: null,
    }),
  )

  server.get(
    '/events/over-time',
    {
      config: { right: 'project.read', expensive: { narrow: 'Ask for a shorter range by `from` and `to`.' } },
      schema: {
        summary: 'How often an event happened, by hour or day',
        description:
          'Every event without `name`, which may be spelled in any way. Days are those of the time zone of the project. ' +
          'By default the last 48 hours or 30 days; at most 2,500 points.',
        tags,
        params: ProjectParams,
        querystring: Type.Object({
          name: Type.Optional(Type.String({ minLength: 1, maxLength: 255, pattern: '^[^\\0]*$' })),
          from: Type.Optional(Type.String({ maxLength: 40 })),
          to: Type.Optional(Type.String({ maxLength: 40 })),
          unit: Type.Union([Type.Literal('hour'), Type.Literal('day')], { default: 'hour' }),
        }),
        response: ok(Whole(EventPoint)),
      },
    },
    async ({ project, seat, query }) => ({
      items: await countOverTime(seat, project, query),
      nextCursor: null,
    }),
  )
}

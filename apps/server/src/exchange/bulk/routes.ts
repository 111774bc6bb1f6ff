import { Person, SearchedPage, Task } from '@fairway/api'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import type { App } from '../../platform/app.ts'
import { accepted, ok } from '../../platform/http/answers.ts'
import { conditionsInBody } from '../../platform/json-limits.ts'
import { rightOfBody, startBulkAction } from './bulk-action.ts'
import { parseChosen } from './chosen.ts'
import { findChosen } from './search.ts'

const tags = ['people']
const ProjectParams = Type.Object({ project: Type.String() })

/** People chosen by a segment or by conditions, and what is done to all of them; registered in the project scope. */
export const audienceRoutes = (app: App) => async (plugin: FastifyInstance) => {
  const server = plugin.withTypeProvider<TypeBoxTypeProvider>()

  server.post(
    '/people/search',
    {
      config: {
        right: 'people.read',
        json: conditionsInBody,
        expensive: { narrow: 'Give fewer `conditions`, or ask within a `segment`.' },
      },
      schema: {
        summary: 'People of a segment, or for whom conditions hold, newest first',
        description:
          '`{"conditions"?, "segment"?, "limit"?, "cursor"?}`. A request looks at 20,000 people at most, so a page may hold ' +
          'fewer than `limit`, or nobody, while `nextCursor` is not null; `examined` says how many it looked at.',
        tags,
        params: ProjectParams,
        // Conditions are checked by hand, with better words.
        body: Type.Object(
          {
            conditions: Type.Optional(Type.Unknown()),
            segment: Type.Optional(Type.Unknown()),
            limit: Type.Integer({ minimum: 1, maximum: 100, default: 50 }),
            cursor: Type.Optional(Type.String({ maxLength: 200 })),
          },
          { additionalProperties: false },
        ),
        response: ok(SearchedPage(Person)),
      },
    },
    async ({ project, seat, body: { conditions, segment, ...page } }) =>
      findChosen(seat, project.id, await parseChosen(seat, project.id, { conditions, segment }), page),
  )

  server.post(
    '/people/bulk',
    {
      config: { right: 'people.edit', json: conditionsInBody, alsoNeeds: ({ body }) => rightOfBody(body) },
      schema: {
        summary: 'Do the same to many people',
        description:
          '`people` is one of `{"ids": […]}`, `{"segment": 7}`, `{"conditions": …}` and `{"everybody": true}`; `action` one of ' +
          '`{"kind": "add_tag" or "remove_tag", "tag"}`, `{"kind": "subscribe", "unsubscribe", "suppress" or "erase"}`, ' +
          '`{"kind": "add_to_segment" or "remove_from_segment", "segment"}`, `{"kind": "set_property", "name", "value"}`, ' +
          '`{"kind": "set_topic", "topic", "wanted"}`. Answers the task that does it.',
        tags,
        params: ProjectParams,
        body: Type.Unknown(),
        response: accepted(Task),
      },
    },
    async ({ project, body, actor }, reply) =>
      reply.code(202).send(await startBulkAction(app, project.id, body, actor)),
  )
}

import { SearchedPage, Suppression } from '@fairway/api'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import type { App } from '../../platform/app.ts'
import { invalidField } from '../../platform/errors.ts'
import { created, noContent, ok } from '../../platform/http/answers.ts'
import { Paging, ProjectParams } from './routes.ts'
import { addSuppression, listSuppressions, removeSuppression } from './suppressions.ts'

const tags = ['people']
const Address = Type.String({ minLength: 1, maxLength: 1_000 })
const Time = Type.Optional(Type.String({ maxLength: 40, description: 'ISO 8601' }))

/** Addresses that are never sent to, whoever has them; registered in the project scope. */
export const suppressionRoutes = (app: App) => async (plugin: FastifyInstance) => {
  const server = plugin.withTypeProvider<TypeBoxTypeProvider>()

  server.get(
    '/suppressions',
    {
      config: { right: 'people.read' },
      schema: {
        summary: 'Suppressed addresses, those listed last first',
        description:
          '`search` is an address or a part of one, `reason` how the reason begins. A request looks at 50,000 addresses at ' +
          'most, so a page may hold fewer than `limit`, or none, while `nextCursor` is not null; `examined` says how many it looked at.',
        tags,
        params: ProjectParams,
        querystring: Type.Object({
          ...Paging,
          search: Type.Optional(Address),
          reason: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
          from: Time,
          to: Time,
        }),
        response: ok(SearchedPage(Suppression)),
      },
    },
    ({ project, query: { search, reason, from, to, ...page } }) =>
      listSuppressions(
        app,
        project.id,
        { search, reason, from: readDate(from, 'from'), to: readDate(to, 'to') },
        page,
      ),
  )

  server.post(
    '/suppressions',
    {
      config: { right: 'people.edit' },
      schema: {
        summary: 'Never send to an address again, whoever has it',
        description: '201 with the suppression, or 200 with the one that is there, which stays as it is.',
        tags,
        params: ProjectParams,
        body: Type.Object(
          {
            address: Address,
            reason: Type.String({ minLength: 1, maxLength: 200, default: 'manual' }),
          },
          { additionalProperties: false },
        ),
        response: { ...ok(Suppression), ...created(Suppression) },
      },
    },
    async ({ project, body, actor }, reply) => {
      const { suppression, added } = await addSuppression(app, project.id, { ...body, by: actor })
      return reply.code(added ? 201 : 200).send(suppression)
    },
  )

  server.delete(
    '/suppressions/:address',
    {
      config: { right: 'people.consent' },
      schema: {
        summary: 'Take an address off the list, whatever the reason',
        description: '409 while somebody who has the address is suppressed: unsuppress them instead.',
        tags,
        params: Type.Object({ project: Type.String(), address: Address }),
        response: noContent,
      },
    },
    async ({ project, params }, reply) => {
      await removeSuppression(app, project.id, params.address)
      return reply.code(204).send()
    },
  )
}

/** @throws {ApiError} 422 */
function readDate(text: string | undefined, field: string): Date | undefined {
  if (text === undefined) return undefined
  const date = new Date(text)
  const year = date.getUTCFullYear()
  if (!(year >= 1970 && year <= 9999)) throw invalidField(field, `${field} must be a time in ISO 8601`)
  return date
}

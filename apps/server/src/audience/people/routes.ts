import { Counted, Page, Person, PersonDetail, TimelineEntry } from '@fairway/api'
import type { Json } from '@fairway/queue'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import type { App } from '../../platform/app.ts'
import { addressProblem, canonicalAddress } from '../../platform/email-address.ts'
import { invalidField, notFound } from '../../platform/errors.ts'
import { ok } from '../../platform/http/answers.ts'
import { itemInBody } from '../../platform/json-limits.ts'
import { nameLength } from '../items/limits.ts'
import { isNoId, noIdReason } from '../items/no-id.ts'
import { countPeople } from './count.ts'
import { editPerson, maxPersonPathLength, parsePersonPath, requirePerson } from './edit.ts'
import { refOf } from './identity.ts'
import { describePerson, listPeople } from './list.ts'
import { languageName, timezoneName } from './locale.ts'
import { findPersonIds, loadPeople } from './lookup.ts'
import { countFound, type Matches, searchPeople } from './search.ts'
import { listTimeline } from './timeline.ts'

const tags = ['people']
export const ProjectParams = Type.Object({ project: Type.String() })
export const PersonParams = Type.Object({
  project: Type.String(),
  person: Type.String({
    maxLength: maxPersonPathLength,
    description: "Fairway's number, or `id:` and your own id",
  }),
})
export const Paging = {
  limit: Type.Integer({ minimum: 1, maximum: 100, default: 50 }),
  cursor: Type.Optional(Type.String({ maxLength: 6_000, description: 'nextCursor of the page before' })),
}
const nullable = <T extends ReturnType<typeof Type.String>>(schema: T) => Type.Union([schema, Type.Null()])
const Name = Type.String({ minLength: 1, maxLength: 255 })
const Address = Type.String({ minLength: 1, maxLength: 4_096 })
const PersonBody = Type.Object(
  {
    email: Type.Optional(nullable(Type.String({ maxLength: 1_000 }))),
    phone: Type.Optional(nullable(Type.String({ maxLength: 64 }))),
    timezone: Type.Optional(nullable(Type.String({ maxLength: 64, description: 'IANA name' }))),
    language: Type.Optional(nullable(Type.String({ maxLength: 64, description: 'BCP 47 tag: de, en-US' }))),
    properties: Type.Optional(
      Type.Record(Type.String({ maxLength: 255 }), Type.Unknown(), {
        description: 'Merged; null removes a property',
      }),
    ),
    topics: Type.Optional(Type.Record(Type.String({ maxLength: 255 }), Type.Boolean())),
    subscribed: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
)

/** Whom a project sends to; registered in the project scope. */
export const peopleRoutes = (app: App) => async (plugin: FastifyInstance) => {
  const server = plugin.withTypeProvider<TypeBoxTypeProvider>()
  const schema = (summary: string) => ({ summary, tags, params: PersonParams, response: ok(PersonDetail) })
  const find = (projectId: number, person: string) => requirePerson(app, projectId, parsePersonPath(person))

  server.get(
    '/people',
    {
      config: {
        right: 'people.read',
        expensive: {
          narrow: 'Search for a longer beginning.',
          when: ({ query }) => Boolean((query as { search?: string }).search?.trim()),
        },
      },
      schema: {
        summary: 'People, those changed last first, or those found by a search',
        tags,
        params: ProjectParams,
        querystring: Type.Object({
          search: Type.Optional(
            Type.String({
              maxLength: 255,
              pattern: '^[^\\0]*$',
              description:
                'Beginning of an id, an email address, a phone number, a name or a word inside a name',
            }),
          ),
          ...Paging,
        }),
        response: ok(Page(Person)),
      },
    },
    ({ project, seat, query: { search, ...page } }) =>
      search?.trim() ? searchPeople(seat, project, search.trim(), page) : listPeople(app, project.id, page),
  )

  server.get(
    '/people/count',
    {
      config: { right: 'people.read', expensive: { narrow: 'Search for a longer beginning.' } },
      schema: {
        summary: 'How many people there are, or a search finds',
        description:
          'Of a search, `count` is 10,000 at most, and `more` says that there are others. Without one everybody is counted.',
        tags,
        params: ProjectParams,
        querystring: Type.Object({
          search: Type.Optional(Type.String({ maxLength: 255, pattern: '^[^\\0]*$' })),
        }),
        response: ok(Counted),
      },
    },
    async ({ project, seat, query: { search } }): Promise<Matches> =>
      search?.trim()
        ? countFound(seat, project, search.trim())
        : { count: await countPeople(seat, project.id), more: false },
  )

  server.get(
    '/people/:person',
    { config: { right: 'people.read' }, schema: schema('One person') },
    async ({ project, params }) =>
      describePerson(app, project.id, (await find(project.id, params.person)).id),
  )

  server.get(
    '/people/:person/timeline',
    {
      config: { right: 'people.read', expensive: { narrow: 'Ask for a smaller page by `limit`.' } },
      schema: {
        summary: 'Events, messages and changes of a person, newest first',
        tags,
        params: PersonParams,
        querystring: Type.Object(Paging),
        response: ok(Page(TimelineEntry)),
      },
    },
    async ({ project, seat, params, query }) =>
      listTimeline(seat, project.id, (await find(project.id, params.person)).id, query),
  )

  server.put(
    '/people/:person',
    {
      config: { right: 'people.edit', json: itemInBody },
      schema: {
        summary: 'Create or update a person',
        description: 'What is not named stays. To create somebody, name them by `id:` and your own id.',
        tags,
        params: PersonParams,
        body: PersonBody,
        response: ok(PersonDetail),
      },
    },
    async ({ project, params, body }) => {
      const path = parsePersonPath(params.person)
      if ('external' in path) requireId(path.external, 'person')
      if ('external' in path && path.external.length >= nameLength)
        await requireStored(app, project.id, path.external)
      const person =
        'external' in path ? { id: path.external } : refOf(await requirePerson(app, project.id, path))
      const id = await editPerson(app, project.id, { kind: 'identify', person, ...toIdentify(body) })
      return describePerson(app, project.id, id!)
    },
  )

  server.patch(
    '/people/:person',
    {
      config: { right: 'people.edit', json: itemInBody },
      schema: {
        summary: 'Update a person',
        description: 'What is not named stays. 404 for a person who does not exist.',
        tags,
        params: PersonParams,
        body: PersonBody,
        response: ok(PersonDetail),
      },
    },
    async ({ project, params, body }) => {
      const person = refOf(await find(project.id, params.person))
      const edit = { kind: 'identify', person, updateOnly: true, ...toIdentify(body) } as const
      const id = await editPerson(app, project.id, edit)
      if (id === undefined) throw notFound('Person')
      return describePerson(app, project.id, id)
    },
  )

  server.post(
    '/people/:person/tags',
    {
      config: { right: 'people.edit' },
      schema: {
        summary: 'Add and remove tags',
        tags,
        params: PersonParams,
        body: Type.Object(
          {
            add: Type.Array(Name, { maxItems: 100, default: [] }),
            remove: Type.Array(Name, { maxItems: 100, default: [] }),
          },
          { additionalProperties: false },
        ),
        response: ok(PersonDetail),
      },
    },
    async ({ project, params, body }) => {
      const person = await find(project.id, params.person)
      await editPerson(app, project.id, { kind: 'tags', person: refOf(person), ...body })
      return describePerson(app, project.id, person.id)
    },
  )

  server.post(
    '/people/:person/devices',
    {
      config: { right: 'people.edit' },
      schema: {
        summary: 'Add and remove devices for push',
        description:
          'A device is known by its address, the token of its platform. Adding one again changes its platform.',
        tags,
        params: PersonParams,
        body: Type.Object(
          {
            add: Type.Array(
              Type.Object(
                {
                  type: Type.Literal('push', { default: 'push' }),
                  address: Address,
                  platform: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
                },
                { additionalProperties: false },
              ),
              { maxItems: 100, default: [] },
            ),
            remove: Type.Array(Address, { maxItems: 100, default: [] }),
          },
          { additionalProperties: false },
        ),
        response: ok(PersonDetail),
      },
    },
    async ({ project, params, body }) => {
      const person = await find(project.id, params.person)
      await editPerson(app, project.id, {
        kind: 'identify',
        person: refOf(person),
        devices: body.add,
        removeDevices: body.remove,
      })
      return describePerson(app, project.id, person.id)
    },
  )

  const switches = [
    ['subscribe', 'Resubscribe a person', { kind: 'subscription', subscribed: true }],
    ['unsubscribe', 'Unsubscribe a person from marketing', { kind: 'subscription', subscribed: false }],
    ['suppress', 'Never send to a person again, whatever it is', { kind: 'suppression', suppressed: true }],
    ['unsuppress', 'Lift a suppression made by API', { kind: 'suppression', suppressed: false }],
  ] as const
  for (const [name, summary, edit] of switches) {
    server.post(
      `/people/:person/${name}`,
      { config: { right: 'people.edit' }, schema: schema(summary) },
      async (request) => {
        const { project, params, actor } = request as typeof request & { params: { person: string } }
        const person = await find(project.id, params.person)
        await editPerson(app, project.id, { person: refOf(person), ...edit }, actor)
        return describePerson(app, project.id, person.id)
      },
    )
  }

  server.post(
    '/people/:person/merge',
    {
      config: { right: 'people.merge' },
      schema: {
        summary: 'Merge another person into this one',
        description:
          'Every fact keeps its latest write; events, messages and history come along; the ids of the other lead here.',
        tags,
        params: PersonParams,
        body: Type.Object(
          { from: Type.String({ maxLength: maxPersonPathLength, description: 'As in the path' }) },
          { additionalProperties: false },
        ),
        response: ok(PersonDetail),
      },
    },
    async ({ project, params, body }) => {
      const [into, from] = [await find(project.id, params.person), await find(project.id, body.from)]
      requireId(into.external_id, 'person')
      requireId(from.external_id, 'from')
      await editPerson(app, project.id, { kind: 'merge', person: refOf(into), from: refOf(from) })
      const survivors = await loadPeople(app.pool, project.id, [into.id, from.id])
      return describePerson(app, project.id, survivors.keys().next().value ?? into.id)
    },
  )
}

/**
 * People who are there by such an id can be read, changed and erased; nobody becomes one with them.
 *
 * @throws {ApiError} 422
 */
function requireId(id: string | null, field: string): void {
  if (id !== null && isNoId(id)) throw invalidField(field, noIdReason(id))
}

/** Nobody new gets an id of that length. @throws {ApiError} 422 */
async function requireStored(app: App, projectId: number, id: string): Promise<void> {
  const [person] = await findPersonIds(app.pool, projectId, [{ id }])
  if (person === null) throw invalidField('person', `an id must be shorter than ${nameLength} characters`)
}

/** @throws {ApiError} 422 */
const toIdentify = ({ email, properties, timezone, language, ...body }: Type.Static<typeof PersonBody>) => ({
  ...body,
  email: named(email, canonicalAddress, 'email', (text) => addressProblem(text)!),
  timezone: named(
    timezone,
    timezoneName,
    'timezone',
    () => 'must be an IANA time zone such as "Europe/Berlin"',
  ),
  language: named(language, languageName, 'language', () => 'must be a language tag such as "de" or "en-US"'),
  properties: properties as Record<string, Json> | undefined,
})

function named(
  value: string | null | undefined,
  nameOf: (value: string) => string | undefined,
  field: string,
  problemOf: (value: string) => string,
): string | null | undefined {
  if (typeof value !== 'string') return value
  const name = nameOf(value)
  if (name === undefined) throw invalidField(field, problemOf(value))
  return name
}

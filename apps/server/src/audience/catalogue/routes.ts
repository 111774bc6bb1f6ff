import { CatalogueEvent, CatalogueLabel, CatalogueProperty, CatalogueValue, Whole } from '@fairway/api'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import type { Reading } from '../../platform/capacity/expensive-reads.ts'
import { ok } from '../../platform/http/answers.ts'
import { listEventNames, listLabels, listProperties } from './list.ts'
import { listValues } from './values.ts'

const tags = ['catalogue']
const ProjectParams = Type.Object({ project: Type.String() })
const NameParams = Type.Object({
  project: Type.String(),
  name: Type.String({ minLength: 1, maxLength: 255, pattern: '^[^\\0]*$' }),
})
/** Short as a rule; who sends names made up by chance makes them long. */
const expensive = { narrow: 'Send fewer different names.' }
const whole = <Item>(items: Item[]) => ({ items, nextCursor: null })

/** What a project's data is made of; registered in the project scope. Lists are short enough to come whole. */
export const catalogueRoutes = async (plugin: FastifyInstance) => {
  const server = plugin.withTypeProvider<TypeBoxTypeProvider>()
  const lists = [
    [
      '/catalog/properties',
      CatalogueProperty,
      'Properties of people, with their types',
      (reading: Reading, projectId: number) => listProperties(reading, projectId, undefined),
    ],
    ['/catalog/events', CatalogueEvent, 'Names of events', listEventNames],
    [
      '/catalog/tags',
      CatalogueLabel,
      'Tags of people',
      (reading: Reading, projectId: number) => listLabels(reading, projectId, 'tag'),
    ],
    [
      '/catalog/topics',
      CatalogueLabel,
      'Topics of preferences',
      (reading: Reading, projectId: number) => listLabels(reading, projectId, 'topic'),
    ],
  ] as const
  for (const [path, item, summary, list] of lists)
    server.get(
      path,
      {
        config: { right: 'project.read', expensive },
        schema: { summary, tags, params: ProjectParams, response: ok(Whole(item)) },
      },
      async ({ project, seat }) => whole<object>(await list(seat, project.id)),
    )

  server.get(
    '/catalog/properties/:name/values',
    {
      config: { right: 'people.read', expensive },
      schema: {
        summary: 'Frequent values of a property of people',
        description:
          'From a sample of 2,000 people: at most 50 texts, numbers and truths, most frequent first.',
        tags,
        params: NameParams,
        response: ok(Whole(CatalogueValue)),
      },
    },
    async ({ project, seat, params }) => whole(await listValues(seat, project.id, params.name)),
  )

  server.get(
    '/catalog/events/:name/properties',
    {
      config: { right: 'project.read', expensive },
      schema: {
        summary: 'Properties of an event, with their types',
        description: 'Capitals, spaces, underscores and dashes in the name make no difference.',
        tags,
        params: NameParams,
        response: ok(Whole(CatalogueProperty)),
      },
    },
    async ({ project, seat, params }) => whole(await listProperties(seat, project.id, params.name)),
  )
}

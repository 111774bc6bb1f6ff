import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import type { App } from '../app.ts'
import { listEventNames, listLabels, listProperties } from './list.ts'
import { listValues } from './values.ts'

const tags = ['catalogue']
const ProjectParams = Type.Object({ project: Type.String() })
const NameParams = Type.Object({
  project: Type.String(),
  name: Type.String({ minLength: 1, maxLength: 255, pattern: '^[^\\0]*$' }),
})
const whole = <Item>(items: Item[]) => ({ items, nextCursor: null })

/** What a project's data is made of; registered in the project scope. Lists are short enough to come whole. */
export const catalogueRoutes = (app: App) => async (plugin: FastifyInstance) => {
  const server = plugin.withTypeProvider<TypeBoxTypeProvider>()
  const lists = [
    [
      '/catalog/properties',
      'Properties of people, with their types',
      (projectId: number) => listProperties(app, projectId, undefined),
    ],
    ['/catalog/events', 'Names of events', (projectId: number) => listEventNames(app, projectId)],
    ['/catalog/tags', 'Tags of people', (projectId: number) => listLabels(app, projectId, 'tag')],
    ['/catalog/topics', 'Topics of preferences', (projectId: number) => listLabels(app, projectId, 'topic')],
  ] as const
  for (const [path, summary, list] of lists)
    server.get(
      path,
      { config: { right: 'project.read' }, schema: { summary, tags, params: ProjectParams } },
      async ({ project }) => whole<object>(await list(project.id)),
    )

  server.get(
    '/catalog/properties/:name/values',
    {
      config: { right: 'people.read' },
      schema: {
        summary: 'Frequent values of a property of people',
        description:
          'From a sample of 2,000 people: at most 50 texts, numbers and truths, most frequent first.',
        tags,
        params: NameParams,
      },
    },
    async ({ project, params }) => whole(await listValues(app, project.id, params.name)),
  )

  server.get(
    '/catalog/events/:name/properties',
    {
      config: { right: 'project.read' },
      schema: {
        summary: 'Properties of an event, with their types',
        description: 'Capitals, spaces, underscores and dashes in the name make no difference.',
        tags,
        params: NameParams,
      },
    },
    async ({ project, params }) => whole(await listProperties(app, project.id, params.name)),
  )
}

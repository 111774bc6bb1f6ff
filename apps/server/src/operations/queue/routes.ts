import {
  DeadLetter,
  DeadLetterDetail,
  Discarded,
  Page,
  ProjectQueue,
  QueueStatus,
  Redriven,
} from '@fairway/api'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { organizationsOf } from '../../accounts/members.ts'
import { listProjects } from '../../accounts/projects.ts'
import type { App } from '../../platform/app.ts'
import { invalidField } from '../../platform/errors.ts'
import { ok } from '../../platform/http/answers.ts'
import { discardDeadJobs, getDeadJob, listDeadJobs, redriveDeadJobs, refShape } from './dead-letters.ts'
import { pauseProject, readProjectQueue } from './project-queue.ts'
import { queueStatus } from './queue-status.ts'

const tags = ['queue']
const ProjectParams = Type.Object({ project: Type.String() })
const Ref = Type.String({ pattern: refShape.source, description: '`ref` of the list' })
const Text = (description: string) =>
  Type.Optional(Type.String({ minLength: 1, maxLength: 200, pattern: '^[^\\0]*$', description }))
const filters = {
  lane: Text('Died in this lane'),
  name: Text('Kind of job: `item`, `deliver`'),
  reason: Text('Text that the reason contains, in any case'),
  before: Type.Optional(
    Type.String({
      pattern: '^[12]\\d{3}-\\d\\d-\\d\\dT\\d\\d:\\d\\d(:\\d\\d(\\.\\d{1,6})?)?(Z|[+-]\\d\\d:\\d\\d)$',
      description: 'Died before this time, ISO 8601 with its zone',
    }),
  ),
}
const which = {
  refs: Type.Optional(
    Type.Array(Ref, { minItems: 1, maxItems: 100, description: 'These; others than yours are passed over' }),
  ),
  matching: Type.Optional(
    Type.Object(filters, { additionalProperties: false, description: 'All that match; `{}` is every one' }),
  ),
}

/** A project's work in the queue; registered in the project scope. */
export const projectQueueRoutes = (app: App) => async (plugin: FastifyInstance) => {
  const server = plugin.withTypeProvider<TypeBoxTypeProvider>()

  server.get(
    '/queue',
    {
      config: { right: 'project.read' },
      schema: {
        summary: "The project's work in each lane, its limits, and whether it is paused",
        tags,
        params: ProjectParams,
        response: ok(ProjectQueue),
      },
    },
    ({ project }) => readProjectQueue(app, project.id),
  )

  for (const [path, paused] of [
    ['/queue/pause', true],
    ['/queue/resume', false],
  ] as const)
    server.post(
      path,
      {
        config: { right: 'queue.manage' },
        schema: {
          summary: paused ? "Pause the project's work" : "Let the project's work go on",
          description: paused
            ? 'In every lane: what runs ends, nothing new starts, and what arrives is accepted and kept.'
            : 'A lane that the operator paused stays paused.',
          tags,
          params: ProjectParams,
          response: ok(ProjectQueue),
        },
      },
      ({ project }) => pauseProject(app, project.id, paused),
    )

  server.get(
    '/queue/dead-letters',
    {
      config: {
        right: 'people.read',
        expensive: { narrow: 'Ask for a `lane`, a `name` or died `before` a time.' },
      },
      schema: {
        summary: 'Dead jobs, newest first',
        description: 'Jobs that failed too often, were given up by their handler, or passed their deadline.',
        tags,
        params: ProjectParams,
        querystring: Type.Object({
          ...filters,
          limit: Type.Integer({ minimum: 1, maximum: 100, default: 50 }),
          cursor: Type.Optional(
            Type.String({ maxLength: 400, description: 'nextCursor of the page before' }),
          ),
        }),
        response: ok(Page(DeadLetter)),
      },
    },
    ({ project, query: { limit, cursor, ...filter } }) =>
      listDeadJobs(app, project.id, withTime('before', filter), { limit, cursor }),
  )

  server.get(
    '/queue/dead-letters/:ref',
    {
      config: { right: 'people.read', holdsSecrets: true },
      schema: {
        summary: 'One dead job with its data',
        tags,
        params: Type.Object({ project: Type.String(), ref: Ref }),
        response: ok(DeadLetterDetail),
      },
    },
    ({ project, params }) => getDeadJob(app, project.id, params.ref),
  )

  server.post(
    '/queue/dead-letters/redrive',
    {
      config: { right: 'queue.manage' },
      schema: {
        summary: 'Run dead jobs again, from their first attempt',
        description: 'Send either `refs` or `matching`.',
        tags,
        params: ProjectParams,
        body: Type.Object(
          {
            ...which,
            perSecond: Type.Optional(
              Type.Number({
                exclusiveMinimum: 0,
                maximum: 1_000_000,
                description: 'Spread them, so that a repaired provider is not flooded. Default: all at once',
              }),
            ),
          },
          { additionalProperties: false },
        ),
        response: ok(Redriven),
      },
    },
    async ({ project, body: { refs, matching, perSecond } }) => {
      const what = { refs, matching: matching && withTime('matching.before', matching) }
      return { redriven: await redriveDeadJobs(app, project.id, what, perSecond) }
    },
  )

  server.post(
    '/queue/dead-letters/discard',
    {
      config: { right: 'queue.manage' },
      schema: {
        summary: 'Remove dead jobs for good',
        description: 'Send either `refs`, or `matching` with `"confirm": true`.',
        tags,
        params: ProjectParams,
        body: Type.Object(
          { ...which, confirm: Type.Optional(Type.Literal(true)) },
          { additionalProperties: false },
        ),
        response: ok(Discarded),
      },
    },
    async ({ project, body: { refs, matching, confirm } }) => {
      if (matching && !confirm)
        throw invalidField('confirm', 'must be true: all that match are removed, and can not be brought back')
      const what = { refs, matching: matching && withTime('matching.before', matching) }
      return { discarded: await discardDeadJobs(app, project.id, what) }
    },
  )
}

/** As the database reads it: the pattern lets the 31st of February through. */
function withTime<Filter extends { before?: string }>(field: string, filter: Filter): Filter {
  if (filter.before === undefined) return filter
  const time = Date.parse(filter.before)
  if (Number.isNaN(time)) throw invalidField(field, 'must be a time such as 2026-11-23T09:00:00Z')
  return { ...filter, before: new Date(time).toISOString() }
}

/** The queue as a whole; registered outside the project scope. */
export const queueRoutes = (app: App) => async (server: FastifyInstance) => {
  server.get(
    '/api/v1/queue',
    {
      config: { right: 'installation.read' },
      schema: {
        summary: 'What waits in each lane, in all and of your projects',
        tags,
        response: ok(QueueStatus),
      },
    },
    async ({ user }) => {
      const organizations = await organizationsOf(app, user.id)
      const projects = await listProjects(
        app,
        organizations.map(({ id }) => id),
      )
      return queueStatus(app, projects)
    },
  )
}

import {
  ConditionSchema,
  Page,
  Segment,
  SegmentMember,
  SegmentPreview,
  SegmentUser,
  Whole,
} from '@fairway/api'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import type { App } from '../../platform/app.ts'
import { created, noContent, ok } from '../../platform/http/answers.ts'
import { conditionsInBody, longListInBody } from '../../platform/json-limits.ts'
import { readAtDescription, takeReadAt } from '../../platform/read-at.ts'
import { conditionSchema } from '../conditions/language.ts'
import { parseConditions } from '../conditions/parse.ts'
import { maxPersonPathLength } from '../people/edit.ts'
import { changeSegment, createSegment, deleteSegment } from './change-segment.ts'
import type { StoreEvents } from './evaluate.ts'
import { changeMembers, listMembers } from './members.ts'
import { previewSegment } from './preview.ts'
import {
  describeSegment,
  listSegments,
  parseSegment,
  parseSegmentChanges,
  requireSegment,
} from './segment.ts'
import { findUsers, type SegmentUsers } from './used-by.ts'

const tags = ['segments']
const ProjectParams = Type.Object({ project: Type.String() })
const SegmentParams = Type.Object({
  project: Type.String(),
  segment: Type.Integer({ minimum: 1, maximum: 2_147_483_647 }),
})
const People = Type.Array(Type.String({ maxLength: maxPersonPathLength }), {
  maxItems: 1_000,
  default: [],
  description: "Fairway's numbers, or `id:` and your own ids",
})
/** Checked by hand, with better words. */
const Body = Type.Unknown()

/** Who belongs to what; registered in the project scope. */
export const segmentRoutes =
  (app: App, storeEvents: StoreEvents, users: readonly SegmentUsers[]) => async (plugin: FastifyInstance) => {
    const server = plugin.withTypeProvider<TypeBoxTypeProvider>()

    server.get(
      '/segments',
      {
        config: { right: 'project.read' },
        schema: {
          summary: 'Segments by name',
          tags,
          params: ProjectParams,
          querystring: Type.Object({
            limit: Type.Integer({ minimum: 1, maximum: 1_000, default: 1_000 }),
            cursor: Type.Optional(
              Type.String({ maxLength: 2_000, description: 'nextCursor of the page before' }),
            ),
          }),
          response: ok(Page(Segment)),
        },
      },
      ({ project, query }) => listSegments(app, project.id, query),
    )

    server.post(
      '/segments',
      {
        config: { right: 'content.edit', json: conditionsInBody },
        schema: {
          summary: 'Create a segment',
          description:
            '`{"name", "conditions"}`, see the reference of conditions, or `{"name", "manual": true}`. Its people are ' +
            'worked out by a task at once, and kept up to date from then on.',
          tags,
          params: ProjectParams,
          body: Body,
          response: created(Segment),
        },
      },
      async ({ project, body }, reply) =>
        reply.code(201).send(await createSegment(app, project.id, parseSegment(body))),
    )

    server.post(
      '/segments/preview',
      {
        config: {
          right: 'people.read',
          json: conditionsInBody,
          expensive: { narrow: 'Give fewer `conditions`, or ask for the estimate, without `exact`.' },
        },
        schema: {
          summary: 'How many people a condition selects, and some of them',
          description:
            'An estimate from a sample, `exact: false`, within a second; with `exact` every person is counted.',
          tags,
          params: ProjectParams,
          body: Type.Object(
            { conditions: Type.Unknown(), exact: Type.Optional(Type.Boolean()) },
            { additionalProperties: false },
          ),
          response: ok(SegmentPreview),
        },
      },
      async ({ project, seat, body }) => {
        const conditions = parseConditions(body.conditions, { trigger: false })
        return previewSegment(seat, project.id, conditions, { exact: body.exact ?? false })
      },
    )

    server.get(
      '/segments/:segment',
      {
        config: { right: 'project.read' },
        schema: { summary: 'One segment', tags, params: SegmentParams, response: ok(Segment) },
      },
      ({ project, params }) => describeSegment(app, project.id, params.segment),
    )

    server.patch(
      '/segments/:segment',
      {
        config: { right: 'content.edit', json: conditionsInBody },
        schema: {
          summary: 'Rename a segment or change its conditions',
          description:
            'Campaigns that are triggered by it follow its name. With other conditions its people are worked out anew; ' +
            `nobody enters or leaves by that as far as campaigns are concerned. ${readAtDescription}`,
          tags,
          params: SegmentParams,
          body: Body,
          response: ok(Segment),
        },
      },
      ({ project, params, body }) => {
        const { changes, readAt } = takeReadAt(body)
        return changeSegment(app, users, project.id, params.segment, parseSegmentChanges(changes), readAt)
      },
    )

    server.delete(
      '/segments/:segment',
      {
        config: { right: 'content.delete' },
        schema: {
          summary: 'Delete a segment',
          description: '409 with `usedBy` while conditions or campaigns name it.',
          tags,
          params: SegmentParams,
          response: noContent,
        },
      },
      async ({ project, params }, reply) => {
        await deleteSegment(app, users, project.id, params.segment)
        return reply.code(204).send()
      },
    )

    server.get(
      '/segments/:segment/used-by',
      {
        config: { right: 'project.read' },
        schema: {
          summary: 'What names a segment',
          tags,
          params: SegmentParams,
          response: ok(Whole(SegmentUser)),
        },
      },
      async ({ project, params }) => {
        const segment = await requireSegment(app.pool, project.id, params.segment)
        return { items: await findUsers(app.pool, users, project.id, segment), nextCursor: null }
      },
    )

    server.get(
      '/segments/:segment/members',
      {
        config: { right: 'people.read' },
        schema: {
          summary: 'People of a segment, newest people first',
          tags,
          params: SegmentParams,
          querystring: Type.Object({
            limit: Type.Integer({ minimum: 1, maximum: 100, default: 50 }),
            cursor: Type.Optional(
              Type.String({ maxLength: 200, description: 'nextCursor of the page before' }),
            ),
          }),
          response: ok(Page(SegmentMember)),
        },
      },
      ({ project, params, query }) => listMembers(app, project.id, params.segment, query),
    )

    server.post(
      '/segments/:segment/members',
      {
        config: { right: 'people.edit', json: longListInBody },
        schema: {
          summary: 'Add people to a manual segment, or remove them',
          tags,
          params: SegmentParams,
          body: Type.Object({ add: People, remove: People }, { additionalProperties: false }),
          response: ok(Segment),
        },
      },
      async ({ project, params, body }) => {
        await changeMembers(app, storeEvents, project.id, params.segment, body)
        return describeSegment(app, project.id, params.segment)
      },
    )

    server.get(
      '/conditions/schema',
      {
        config: { right: 'project.read' },
        schema: {
          summary: 'JSON Schema of the condition language',
          description: 'For editors. The reference explains it.',
          tags: ['segments'],
          params: ProjectParams,
          response: ok(ConditionSchema),
        },
      },
      async () => ({ $schema: 'https://json-schema.org/draft/2020-12/schema', ...conditionSchema }),
    )
  }

import { Campaign, CampaignMessage, CampaignReport, Page } from '@fairway/api'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Type from 'typebox'
import type { ProjectRoutes } from '../../accounts/project-auth.ts'
import { unitMs } from '../../audience/conditions/parts/time.ts'
import { readInstant } from '../../audience/conditions/values.ts'
import { messageStates } from '../../messaging/messages/state.ts'
import type { App } from '../../platform/app.ts'
import { invalidField } from '../../platform/errors.ts'
import { created, noContent, ok } from '../../platform/http/answers.ts'
import { conditionsInBody } from '../../platform/json-limits.ts'
import { readAtDescription, takeReadAt } from '../../platform/read-at.ts'
import {
  campaignStates,
  createCampaign,
  deleteCampaign,
  getCampaign,
  listCampaigns,
  parseCampaign,
  parseChanges,
  updateCampaign,
} from './campaigns.ts'
import { listCampaignMessages, reportCampaign } from './report.ts'

const tags = ['campaigns']
const defaultReportMs = 30 * unitMs.days

const ProjectParams = Type.Object({ project: Type.String() })
const CampaignParams = Type.Object({
  project: Type.String(),
  id: Type.Integer({ minimum: 1, maximum: 2_147_483_647 }),
})
const limit = Type.Integer({ minimum: 1, maximum: 200, default: 50 })
const isoDate = Type.String({ description: 'ISO 8601' })

/** Shown in the API reference; the members are checked by `parseCampaign`, whose errors say more. */
const CampaignBody = Type.Unsafe<unknown>({
  type: 'object',
  properties: {
    name: { type: 'string' },
    state: { enum: campaignStates, description: 'Default: off' },
    triggerEvent: {
      type: 'string',
      description: 'Capitals, spaces, underscores and dashes do not tell names apart',
    },
    wait: {
      description:
        '{"kind":"immediately"}, {"kind":"after","seconds"|"days"}, {"kind":"until_property","of","property",…} or ' +
        '{"kind":"at_local_time","time",…}; see the guide on campaigns',
    },
    conditions: {
      description: 'A condition, or null for none; see the reference of the condition language',
    },
    frequency: { description: '{"notAgainWithinDays": 7}, -1 for ever, or null for no limit' },
    templateId: { type: 'integer' },
    consent: {
      description:
        '{"kind":"marketing"}, with a "topic" if people may opt out of that alone; {"kind":"transactional"} for what somebody waits for; ' +
        '{"kind":"legal","reason"} for what the law asks for. Default: marketing',
    },
    transactional: {
      type: 'boolean',
      deprecated: true,
      description: 'As before `consent`: true for transactional, false for marketing',
    },
  },
})

/** `…/campaigns`: campaigns, their reports and messages. Registered in the project scope. */
export const campaignRoutes =
  (app: App): ProjectRoutes =>
  async (plugin) => {
    const server = plugin.withTypeProvider<TypeBoxTypeProvider>()

    server.get(
      '/campaigns',
      {
        config: { right: 'project.read' },
        schema: {
          summary: 'List campaigns',
          tags,
          params: ProjectParams,
          querystring: Type.Object({
            limit,
            cursor: Type.Optional(
              Type.Integer({
                minimum: 1,
                maximum: 2_147_483_647,
                description: 'nextCursor of the page before',
              }),
            ),
          }),
          response: ok(Page(Campaign)),
        },
      },
      ({ project, query }) => listCampaigns(app, project.id, query),
    )

    server.post(
      '/campaigns',
      {
        config: { right: 'content.edit', json: conditionsInBody },
        schema: {
          summary: 'Create a campaign',
          tags,
          params: ProjectParams,
          body: CampaignBody,
          response: created(Campaign),
        },
      },
      async ({ project, body }, reply) =>
        reply.code(201).send(await createCampaign(app, project.id, parseCampaign(body))),
    )

    server.get(
      '/campaigns/:id',
      {
        config: { right: 'project.read' },
        schema: { summary: 'A campaign', tags, params: CampaignParams, response: ok(Campaign) },
      },
      ({ project, params }) => getCampaign(app, project.id, params.id),
    )

    server.patch(
      '/campaigns/:id',
      {
        config: { right: 'content.edit', json: conditionsInBody },
        schema: {
          summary: 'Change a campaign',
          description: `Members that are left out stay as they are. Also switches it: {"state": "live"}. Counts at once. ${readAtDescription}`,
          tags,
          params: CampaignParams,
          body: CampaignBody,
          response: ok(Campaign),
        },
      },
      ({ project, params, body }) => {
        const { changes, readAt } = takeReadAt(body)
        return updateCampaign(app, project.id, params.id, parseChanges(changes), readAt)
      },
    )

    server.delete(
      '/campaigns/:id',
      {
        config: { right: 'content.delete' },
        schema: {
          summary: 'Delete a campaign',
          description: 'Messages still to be sent are skipped when their time comes.',
          tags,
          params: CampaignParams,
          response: noContent,
        },
      },
      async ({ project, params }, reply) => {
        await deleteCampaign(app, project.id, params.id)
        return reply.code(204).send()
      },
    )

    server.get(
      '/campaigns/:id/report',
      {
        config: {
          right: 'project.read',
          expensive: { narrow: 'Ask for a shorter time by `from` and `to`.' },
        },
        schema: {
          summary: "What became of a campaign's messages",
          description: 'Counts by state, and why messages were not sent. Default: the last 30 days.',
          tags,
          params: CampaignParams,
          querystring: Type.Object({
            from: Type.Optional(isoDate),
            to: Type.Optional(isoDate),
            test: Type.Boolean({ default: false, description: 'Test messages instead of real ones' }),
          }),
          response: ok(CampaignReport),
        },
      },
      async ({ project, seat, params, query }) => {
        await getCampaign(app, project.id, params.id)
        return reportCampaign(seat, project.id, params.id, {
          from: readDate('from', query.from) ?? new Date(app.now().getTime() - defaultReportMs),
          to: readDate('to', query.to) ?? null,
          test: query.test,
        })
      },
    )

    server.get(
      '/campaigns/:id/messages',
      {
        config: {
          right: 'people.read',
          expensive: { narrow: 'Leave out `state`, or ask for a smaller page by `limit`.' },
        },
        schema: {
          summary: "A campaign's messages, newest first",
          tags,
          params: CampaignParams,
          querystring: Type.Object({
            limit,
            cursor: Type.Optional(
              Type.String({ format: 'uuid', description: 'nextCursor of the page before' }),
            ),
            state: Type.Optional(Type.Union(messageStates.map((state) => Type.Literal(state)))),
          }),
          response: ok(Page(CampaignMessage)),
        },
      },
      async ({ project, seat, params, query }) => {
        await getCampaign(app, project.id, params.id)
        const options = { after: query.cursor, state: query.state }
        return page(query.limit, (size) =>
          listCampaignMessages(seat, project.id, params.id, { limit: size, ...options }),
        )
      },
    )
  }

/** One more than asked for tells whether there is a next page. */
async function page<Item extends { id: string | number }>(
  size: number,
  load: (size: number) => Promise<Item[]>,
) {
  const found = await load(size + 1)
  const items = found.slice(0, size)
  return { items, nextCursor: found.length > size ? String(items.at(-1)!.id) : null }
}

function readDate(field: string, text: string | undefined): Date | undefined {
  if (text === undefined) return undefined
  const ms = readInstant(text)
  if (ms === undefined) throw invalidField(field, `${field} must be an ISO 8601 date`)
  return new Date(ms)
}

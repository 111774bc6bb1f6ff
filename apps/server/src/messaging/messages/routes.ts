import { Counted, FailedMessages, Message, MessageDetail, MessageReference, Page, Task } from '@fairway/api'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import type { App } from '../../platform/app.ts'
import { accepted, ok } from '../../platform/http/answers.ts'
import { consentKinds, maxTopicLength } from './consent.ts'
import { countFailed } from './failed.ts'
import { getMessage, listMessages, resolveMessage, retryMessage } from './messages.ts'
import type { Origins } from './origins.ts'
import { readTimes, retryFailed } from './retry-failed.ts'
import { messageStates } from './state.ts'
import { sendTestMessage } from './test-message.ts'
import { tryNow } from './try-now.ts'

const tags = ['messages']
const ProjectParams = Type.Object({ project: Type.String() })
const messageId = (options: { description?: string } = {}) =>
  Type.String({ pattern: '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$', ...options })
const MessageParams = Type.Object({
  project: Type.String(),
  message: messageId(),
})
const Campaign = Type.Integer({ minimum: 1, maximum: 2_147_483_647 })
const Origin = Type.String({
  maxLength: 40,
  pattern: '^[a-z_]+$',
  description: 'What made them: campaign, api, test',
})
const failedFilter = {
  reason: Type.Optional(
    Type.String({ minLength: 1, maxLength: 500, pattern: '^[^\\0]*$', description: 'A part of the reason' }),
  ),
  origin: Type.Optional(Origin),
  campaign: Type.Optional(Campaign),
  provider: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 2_147_483_647, description: 'An SMTP server of the project' }),
  ),
  from: Type.Optional(
    Type.String({ maxLength: 40, description: 'Those that failed from then on; ISO 8601' }),
  ),
  to: Type.Optional(Type.String({ maxLength: 40, description: 'Those that failed before; ISO 8601' })),
}
const literals = <const T extends string>(...values: T[]) =>
  Type.Union(values.map((value) => Type.Literal(value)))

/** Messages and what became of them; registered in the project scope. */
export const messageRoutes = (app: App, origins: Origins) => async (plugin: FastifyInstance) => {
  const server = plugin.withTypeProvider<TypeBoxTypeProvider>()
  const read = (projectId: number, id: string) => getMessage(app, origins, projectId, id)

  server.get(
    '/messages',
    {
      config: {
        right: 'people.read',
        expensive: { narrow: 'Ask by fewer filters, or for a smaller page by `limit`.' },
      },
      schema: {
        summary: 'Messages, newest first',
        tags,
        params: ProjectParams,
        querystring: Type.Object({
          state: Type.Optional(literals(...messageStates)),
          origin: Type.Optional(Origin),
          originId: Type.Optional(
            Type.Integer({ minimum: 1, maximum: 2_147_483_647, description: 'Which of its own' }),
          ),
          consent: Type.Optional(literals(...consentKinds)),
          topic: Type.Optional(
            Type.String({ minLength: 1, maxLength: maxTopicLength, pattern: '^[^\\0]*$' }),
          ),
          class: Type.Optional(literals('transactional', 'behavioral')),
          retrying: Type.Optional(
            Type.Boolean({ description: 'Only those that could not be sent yet and are tried again' }),
          ),
          waiting: Type.Optional(
            Type.Boolean({
              description: 'Only those that wait for the project to be live, or for an SMTP server in use',
            }),
          ),
          kept: Type.Optional(
            Type.Boolean({
              description: 'true: only those that went no further than the mailbox; false: only others',
            }),
          ),
          person: Type.Optional(Type.Integer({ minimum: 1 })),
          campaign: Type.Optional(Type.Integer({ minimum: 1, maximum: 2_147_483_647 })),
          limit: Type.Integer({ minimum: 1, maximum: 100, default: 50 }),
          cursor: Type.Optional(
            Type.String({ maxLength: 200, description: 'nextCursor of the page before' }),
          ),
        }),
        response: ok(Page(Message)),
      },
    },
    ({ project, seat, query: { limit, cursor, ...filter } }) =>
      listMessages(seat, origins, project.id, filter, { limit, cursor }),
  )

  server.get(
    '/messages/failed',
    {
      config: {
        right: 'people.read',
        expensive: { narrow: 'Ask for a campaign, a provider, or a shorter time.' },
      },
      schema: {
        summary: 'How many messages failed, and why',
        description: 'Looks at the newest 10,000 that failed; `more` says that there are others.',
        tags,
        params: ProjectParams,
        querystring: Type.Object(failedFilter),
        response: ok(FailedMessages),
      },
    },
    ({ project, seat, query }) => countFailed(seat, project.id, { ...query, ...readTimes(query) }),
  )

  server.post(
    '/messages/retry',
    {
      config: { right: 'messages.send' },
      schema: {
        summary: 'Try failed messages again, many at once',
        description:
          'All that is named holds for each message; with nothing, all that failed are meant. Whoever was suppressed or opted out since gets none. Answers the task that does it.',
        tags,
        params: ProjectParams,
        body: Type.Object(failedFilter, { additionalProperties: false }),
        response: accepted(Task),
      },
    },
    async ({ project, actor, body }, reply) =>
      reply.code(202).send(await retryFailed(app, project.id, body, actor)),
  )

  server.get(
    '/messages/:message',
    {
      config: { right: 'people.read', holdsSecrets: true },
      schema: {
        summary: 'One message with the history of its reasons',
        tags,
        params: MessageParams,
        response: ok(MessageDetail),
      },
    },
    ({ project, params }) => read(project.id, params.message.toLowerCase()),
  )

  server.post(
    '/messages/test',
    {
      config: { right: 'messages.send' },
      schema: {
        summary: 'Send a test mail',
        description:
          'To the test address of the project or, without one, to the sandbox mailbox; never further.',
        tags,
        params: ProjectParams,
        body: Type.Optional(Type.Object({}, { additionalProperties: false })),
        response: accepted(MessageReference),
      },
    },
    async ({ project }, reply) => reply.code(202).send(await sendTestMessage(app, project)),
  )

  server.post(
    '/messages/try-now',
    {
      config: { right: 'messages.send' },
      schema: {
        summary: 'Try mail that could not be sent yet at once',
        description:
          'After its SMTP server was repaired. At most 10,000, the first due first; `more` says that there are others. What was asked for in the last two minutes is left alone.',
        tags,
        params: ProjectParams,
        body: Type.Optional(
          Type.Object(
            {
              provider: Type.Optional(
                Type.Integer({
                  minimum: 1,
                  maximum: 2_147_483_647,
                  description: 'Only what this SMTP server did not take',
                }),
              ),
              message: Type.Optional(messageId({ description: 'Only this one' })),
            },
            { additionalProperties: false },
          ),
        ),
        response: ok(Counted),
      },
    },
    ({ project, body }) =>
      tryNow(app, project.id, {
        provider: body?.provider === undefined ? undefined : `provider ${body.provider}`,
        message: body?.message,
      }),
  )

  server.post(
    '/messages/:message/retry',
    {
      config: { right: 'messages.send' },
      schema: {
        summary: 'Try a failed message again',
        tags,
        params: MessageParams,
        response: ok(MessageDetail),
      },
    },
    async ({ project, params }) => {
      const id = params.message.toLowerCase()
      await retryMessage(app, project.id, id)
      return read(project.id, id)
    },
  )

  server.post(
    '/messages/:message/resolve',
    {
      config: { right: 'messages.send' },
      schema: {
        summary: 'Settle a message in doubt',
        description:
          '`sent` or `failed` only record what you found out; `resend` sends it again, perhaps a second time. 409 while it may just be being sent: up to 520 s after it was claimed.',
        tags,
        params: MessageParams,
        body: Type.Object({ state: literals('sent', 'failed', 'resend') }, { additionalProperties: false }),
        response: ok(MessageDetail),
      },
    },
    async ({ project, params, body }) => {
      const id = params.message.toLowerCase()
      await resolveMessage(app, project.id, id, body.state)
      return read(project.id, id)
    },
  )
}

import { Sending, SendingState } from '@fairway/api'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import type { App } from '../../platform/app.ts'
import { ok } from '../../platform/http/answers.ts'
import { confirmSending, readSendingState } from './holds.ts'
import { readWaiting } from './waiting.ts'

const tags = ['queue']
const ProjectParams = Type.Object({ project: Type.String() })

/** Whether a project's mail leaves; registered in the project scope. */
export const sendingRoutes = (app: App) => async (plugin: FastifyInstance) => {
  const server = plugin.withTypeProvider<TypeBoxTypeProvider>()

  server.get(
    '/sending',
    {
      config: { right: 'project.read' },
      schema: {
        summary: 'Whether sending is held, why, and who confirmed before; and what mail waits for',
        description:
          'It is held after the database was restored: what was pending then may have been sent since. `waiting` has what keeps mail that was made live from leaving: that the project is not `live`, or that no `server` is in use.',
        tags,
        params: ProjectParams,
        response: ok(Sending),
      },
    },
    async ({ project }) => ({
      ...(await readSendingState(app, project.id)),
      waiting: await readWaiting(app, app.config, project.id),
    }),
  )

  server.post(
    '/sending/confirm',
    {
      config: { right: 'sending.confirm' },
      schema: {
        summary: 'Let sending go on after a restore',
        tags,
        params: ProjectParams,
        body: Type.Object(
          {
            pending: Type.Union([Type.Literal('send'), Type.Literal('unknown')], {
              description:
                'Messages for what happened before the hold: `send` them, or make them `unknown`, to be settled one by one',
            }),
          },
          { additionalProperties: false },
        ),
        response: ok(SendingState),
      },
    },
    ({ project, actor, body }) => confirmSending(app, project.id, actor, body.pending),
  )
}

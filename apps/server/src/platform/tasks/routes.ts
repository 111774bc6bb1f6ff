import { Page, Task } from '@fairway/api'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { App } from '../app.ts'
import { ok } from '../http/answers.ts'
import { commandTask } from './change-state.ts'
import type { RightToControl, TaskKinds } from './kind.ts'
import { listTasks, requireTask, toTask } from './task.ts'

const tags = ['tasks']
const TaskParams = Type.Object({
  project: Type.String(),
  task: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
})

/** Long work and how far it is; registered in the project scope. */
export const taskRoutes =
  (app: App, kinds: TaskKinds, rightToControl: RightToControl) => async (plugin: FastifyInstance) => {
    const server = plugin.withTypeProvider<TypeBoxTypeProvider>()
    const rightOfTask = ({ project, params }: FastifyRequest) =>
      rightToControl(app, project.id, (params as { task: number }).task)

    server.get(
      '/tasks',
      {
        config: { right: 'project.read' },
        schema: {
          summary: 'Imports, exports, bulk actions and other long work, newest first',
          tags,
          params: Type.Object({ project: Type.String() }),
          querystring: Type.Object({
            kind: Type.Optional(Type.String({ maxLength: 64 })),
            limit: Type.Integer({ minimum: 1, maximum: 100, default: 50 }),
            cursor: Type.Optional(
              Type.String({ maxLength: 200, description: 'nextCursor of the page before' }),
            ),
          }),
          response: ok(Page(Task)),
        },
      },
      ({ project, query }) => listTasks(app, project.id, query),
    )

    server.get(
      '/tasks/:task',
      {
        config: { right: 'project.read' },
        schema: { summary: 'How far a task is', tags, params: TaskParams, response: ok(Task) },
      },
      async ({ project, params }) => toTask(await requireTask(app, project.id, params.task)),
    )

    for (const [command, summary] of [
      ['pause', 'Stop after the step under way; what is done stays'],
      ['resume', 'Go on with a paused task'],
      ['cancel', 'Stop for good; what is done stays'],
    ] as const) {
      server.post(
        `/tasks/:task/${command}`,
        {
          config: { right: 'tasks.control', alsoNeeds: rightOfTask },
          schema: { summary, tags, params: TaskParams, response: ok(Task) },
        },
        async ({ project, params }) =>
          toTask(await commandTask(app, kinds, project.id, params.task, command)),
      )
    }
  }

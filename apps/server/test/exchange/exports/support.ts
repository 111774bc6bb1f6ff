import type { Job, JobContext } from '@fairway/queue'
import { startTestServer, type TestServer } from '../../../../../testing/server.ts'
import type { Config } from '../../../src/platform/config.ts'
import type { TaskKind } from '../../../src/platform/tasks/kind.ts'
import { loadTask } from '../../../src/platform/tasks/task.ts'
import { workTask } from '../../../src/platform/tasks/work.ts'
import { taskKinds } from '../../../src/task-kinds.ts'

export interface Answer {
  status: number
  headers: Headers
  text: string
  // biome-ignore lint/suspicious/noExplicitAny: whatever the server answers
  body: any
}

export interface Exporter extends TestServer {
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>
  sql<T = Record<string, unknown>>(text: string, ...values: unknown[]): Promise<T[]>
  /** Works a task to its end, as the queue's jobs would. */
  work(task: number): Promise<void>
  /** Works so many steps of a task, in a session that then breaks as if the process had died. */
  breakAfter(task: number, steps: number): Promise<void>
  /** Makes an export and works it. */
  // biome-ignore lint/suspicious/noExplicitAny: whatever the server answers
  make(body: unknown): Promise<any>
  /** The plain file of a new export. */
  file(body: unknown): Promise<string>
}

/** A server without workers: what has to be done is done when a test says so. */
export async function startExporter(now?: () => Date, config: Partial<Config> = {}): Promise<Exporter> {
  const server = await startTestServer({ config: { role: 'api', ...config }, now })
  const base = `${server.url}/api/v1/projects/${server.projectId}`
  const exporter: Exporter = {
    ...server,
    async call(method, path, body, headers = {}) {
      const response = await fetch(`${base}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${server.secretKey}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        body: body === undefined ? undefined : JSON.stringify(body),
      })
      const text = await response.text()
      const isJson = /json/.test(response.headers.get('content-type') ?? '') && !path.endsWith('/file')
      return {
        status: response.status,
        headers: response.headers,
        text,
        body: isJson ? JSON.parse(text) : undefined,
      }
    },
    sql: async <T>(text: string, ...values: unknown[]) =>
      (await server.app.pool.query(text, values)).rows as T[],
    async work(task) {
      for (;;) {
        const { state } = (await loadTask(server.app.pool, server.projectId, task))!
        if (state !== 'waiting' && state !== 'running') return
        const job = { tenant: String(server.projectId), data: { task }, attempt: 8 } as unknown as Job
        await workTask(server.app, taskKinds)(job, { signal: new AbortController().signal } as JobContext)
      }
    },
    async breakAfter(task, steps) {
      const kind = taskKinds[(await loadTask(server.app.pool, server.projectId, task))!.kind] as TaskKind
      const dying: TaskKind = {
        ...kind,
        async open(...given) {
          const session = await kind.open(...given)
          let left = steps
          return {
            next: async () => {
              if (left-- === 0) throw new Error('the process died')
              return session.next()
            },
            write: (client, batch) => session.write(client, batch),
            close: () => session.close?.() ?? Promise.resolve(),
          }
        },
      }
      const job = { tenant: String(server.projectId), data: { task }, attempt: 1 } as unknown as Job
      const kinds = Object.fromEntries(Object.keys(taskKinds).map((name) => [name, dying as TaskKind<never>]))
      await workTask(server.app, kinds)(job, { signal: new AbortController().signal } as JobContext)?.catch(
        () => {},
      )
    },
    async make(body) {
      const made = await exporter.call('POST', '/exports', body)
      if (made.status !== 202) throw new Error(made.text)
      await exporter.work(made.body.task.id)
      return (await exporter.call('GET', `/exports/${made.body.id}`)).body
    },
    async file(body) {
      const { id, state, task } = await exporter.make(body)
      if (state !== 'done') throw new Error(`${state}: ${task.message}`)
      return (await exporter.call('GET', `/exports/${id}/file`)).text
    },
  }
  return exporter
}

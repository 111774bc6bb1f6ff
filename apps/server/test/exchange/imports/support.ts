import type { Job, JobContext } from '@fairway/queue'
import { startTestServer, type TestServer } from '../../../../../testing/server.ts'
import { loadTask } from '../../../src/platform/tasks/task.ts'
import { workTask } from '../../../src/platform/tasks/work.ts'
import { taskKinds } from '../../../src/task-kinds.ts'

// biome-ignore lint/suspicious/noExplicitAny: whatever the server answers
type Any = any

export interface Answer {
  status: number
  text: string
  body: Any
}

export interface Importer extends TestServer {
  call(method: string, path: string, body?: unknown): Promise<Answer>
  sql<T = Record<string, Any>>(text: string, ...values: unknown[]): Promise<T[]>
  put(id: number, content: Buffer | string, query?: string): Promise<Answer>
  /** Makes an import and uploads its file; works what has to be done before it is ready. */
  upload(content: Buffer | string, body?: Record<string, unknown>): Promise<Any>
  /** Starts an import and works it to its end. */
  start(id: number, body?: Record<string, unknown>): Promise<Any>
  /** Both. */
  run(content: Buffer | string, body?: Record<string, unknown>, start?: Record<string, unknown>): Promise<Any>
  /** Works a task to its end, as the queue's jobs would. */
  work(task: number): Promise<void>
  rejects(id: number): Promise<[line: number, column: string | null, reason: string][]>
}

/** A server without workers: what has to be done is done when a test says so. */
export async function startImporter(now?: () => Date): Promise<Importer> {
  const server = await startTestServer({ config: { role: 'api', allowPrivateNetworks: true }, now })
  const base = `${server.url}/api/v1/projects/${server.projectId}`
  const request = async (method: string, path: string, init: RequestInit): Promise<Answer> => {
    const headers = { authorization: `Bearer ${server.secretKey}`, ...(init.headers as object) }
    const response = await fetch(`${base}${path}`, { ...init, method, headers })
    const text = await response.text()
    const isJson = /json/.test(response.headers.get('content-type') ?? '')
    return { status: response.status, text, body: isJson ? JSON.parse(text) : undefined }
  }
  const expectStatus = (answer: Answer, status: number) => {
    if (answer.status !== status) throw new Error(`${answer.status}: ${answer.text}`)
    return answer.body
  }
  const importer: Importer = {
    ...server,
    call: (method, path, body) =>
      request(
        method,
        path,
        body === undefined
          ? {}
          : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) },
      ),
    sql: async <T>(text: string, ...values: unknown[]) =>
      (await server.app.pool.query(text, values)).rows as T[],
    put: (id, content, query = 'last=true') =>
      request('PUT', `/imports/${id}/file?${query}`, {
        headers: { 'content-type': 'application/octet-stream' },
        body: typeof content === 'string' ? content : new Uint8Array(content),
      }),
    async upload(content, body) {
      const { id } = expectStatus(await importer.call('POST', '/imports', { kind: 'people', ...body }), 201)
      const uploaded = expectStatus(await importer.put(id, content), 200)
      if (uploaded.state !== 'fetching') return uploaded
      await importer.work(uploaded.task.id)
      return (await importer.call('GET', `/imports/${id}`)).body
    },
    async start(id, body = {}) {
      const started = expectStatus(await importer.call('POST', `/imports/${id}/start`, body), 200)
      await importer.work(started.task.id)
      return (await importer.call('GET', `/imports/${id}`)).body
    },
    async run(content, body, start) {
      return importer.start((await importer.upload(content, body)).id, start)
    },
    async work(task) {
      for (;;) {
        const { state } = (await loadTask(server.app.pool, server.projectId, task))!
        if (state !== 'waiting' && state !== 'running') return
        const job = { tenant: String(server.projectId), data: { task }, attempt: 8 } as unknown as Job
        await workTask(server.app, taskKinds)(job, { signal: new AbortController().signal } as JobContext)
      }
    },
    async rejects(id) {
      const { items } = (await importer.call('GET', `/imports/${id}/rejects`)).body
      return items.map(({ line, column, reason }: Any) => [line, column, reason])
    },
  }
  return importer
}

import type { Job } from '@fairway/queue'
import { vi } from 'vitest'
import type { TestServer, TestServerOptions } from '../../../../testing/server.ts'
import { startTestServer } from '../../../../testing/server.ts'
import type { IngestItem } from '../../src/audience/items/item.ts'

export interface IntakeServer extends TestServer {
  /** The next `count` accepted items, in the order of acceptance; waits for them. */
  take(count: number): Promise<IngestItem[]>
  /** Items accepted and not yet taken, after everything that was answered has arrived. */
  settled(): Promise<IngestItem[]>
}

/** The real server without its own workers: what it accepts is claimed from its queue by the test. */
export async function startIntakeServer(options: TestServerOptions = {}): Promise<IntakeServer> {
  const server = await startTestServer({ ...options, config: { ...options.config, role: 'api' } })
  const arrived: IngestItem[] = []
  let sentinels = 0
  const worker = server.app.queue.worker(
    {
      item: {
        batch: (jobs: Job<unknown>[]) => void arrived.push(...jobs.map((job) => job.data as IngestItem)),
      },
      sentinel: () => void sentinels++,
    },
    { lanes: { ingest: {} }, concurrency: 1 },
  )

  return {
    ...server,
    async take(count) {
      await vi.waitUntil(() => arrived.length >= count, { timeout: 30_000 })
      return arrived.splice(0, count)
    },
    async settled() {
      const before = sentinels
      await server.app.queue.add({
        lane: 'ingest',
        tenant: String(server.projectId),
        name: 'sentinel',
        data: null,
      })
      await vi.waitUntil(() => sentinels > before, { timeout: 30_000 })
      return arrived.splice(0)
    },
    async close() {
      await worker.close({ graceMs: 0 })
      await server.close()
    },
  }
}

export interface Reply {
  status: number
  body: unknown
  headers: Headers
}

/** One request; objects are sent as JSON with its content type, everything else as it is. */
export async function request(
  server: { url: string },
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Reply> {
  const plain =
    body !== undefined &&
    typeof body === 'object' &&
    !(body instanceof Uint8Array) &&
    !(body instanceof FormData)
  const response = await fetch(server.url + path, {
    method,
    headers: { ...(plain ? { 'content-type': 'application/json' } : {}), ...headers },
    body: plain ? JSON.stringify(body) : (body as BodyInit | undefined),
  })
  const text = await response.text()
  return { status: response.status, body: text === '' ? undefined : parse(text), headers: response.headers }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

export const basic = (user: string, password = '') => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
})

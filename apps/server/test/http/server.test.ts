import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../../../../testing/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.close())

const get = (path: string, headers: Record<string, string> = {}) => fetch(server.url + path, { headers })

describe('health', () => {
  it('answers a heartbeat', async () => {
    const reply = await get('/heartbeat')
    expect(reply.status).toBe(200)
  })

  it('sends a job through the queue for /healthz, one for many callers', async () => {
    const replies = await Promise.all(Array.from({ length: 20 }, () => get('/healthz')))
    expect(replies.map(({ status }) => status)).toEqual(Array(20).fill(200))
    const bodies = await Promise.all(replies.map((reply) => reply.json()))
    expect(new Set(bodies.map(({ queueMs }) => queueMs)).size).toBe(1)
    // No supervisor, no processes.
    expect(bodies[0]).toEqual({ status: 'ok', queueMs: expect.any(Number), processes: [] })
  })

  it('fails /healthz with the reason when a role has not been running for more than 30 s', async () => {
    const worker = {
      role: 'worker' as const,
      pid: null,
      state: 'waiting' as const,
      notRunningMs: 30_000,
      replaced: 9,
      lastReason: 'it ended with exit code 7',
      vitals: null,
    }
    server.app.processes.states = [worker]
    expect((await get('/healthz')).status).toBe(200)
    server.app.processes.states = [{ ...worker, notRunningMs: 31_000 }]
    const reply = await get('/healthz')
    server.app.processes.states = []
    expect(reply.status).toBe(503)
    expect(await reply.json()).toEqual({
      status: 'failing',
      reason: 'The worker process has not been running for 31 s: it ended with exit code 7.',
    })
  })

  it('is ready', async () => {
    expect(await (await get('/readyz')).json()).toEqual({ status: 'ok' })
  })
})

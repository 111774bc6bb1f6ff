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
    expect(bodies[0]).toEqual({ status: 'ok', queueMs: expect.any(Number) })
  })

  it('is ready', async () => {
    expect(await (await get('/readyz')).json()).toEqual({ status: 'ok' })
  })
})

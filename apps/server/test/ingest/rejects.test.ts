import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { startTestServer, type TestServer } from '../../../../testing/server.ts'
import { basic, request } from './helpers.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server?.close())

it('notes what a batch was accepted without, where its senders find it', async () => {
  const batch = [
    { type: 'track', userId: 1, event: 'Good' },
    { type: 'track', userId: 2, messageId: 'm-2' },
    { type: 'track', userId: 'x\0', event: 'Bad', properties: { secret: 'never kept' } },
    ...Array(50).fill({ type: 'dance' }),
  ]
  const reply = await request(server, 'POST', '/v1/batch', { batch }, basic(server.trackingKey))
  expect(reply).toMatchObject({ status: 200, body: { success: true } })
  expect((reply.body as { rejected: unknown[] }).rejected).toHaveLength(52)

  const rows = async (table: string) =>
    (await server.app.pool.query(`select * from ${table} where project_id = $1`, [server.projectId])).rows
  await vi.waitUntil(
    async () => (await rows('ingest_rejects')).length >= 10 && (await rows('events')).length === 1,
  )
  const rejects = await rows('ingest_rejects')
  expect(rejects).toHaveLength(10)
  expect(rejects[0]).toMatchObject({
    reason: 'event is missing; name the event',
    item: { source: 'segment', person: { id: '2' }, call: { type: 'track', id: 'm-2' } },
  })
  expect(JSON.stringify(rejects)).not.toContain('never kept')
})

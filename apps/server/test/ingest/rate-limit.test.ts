import { afterAll, beforeAll, expect, it } from 'vitest'
import { basic, type IntakeServer, request, startIntakeServer } from './helpers.ts'

let now = Date.UTC(2026, 10, 23)
let server: IntakeServer
beforeAll(async () => {
  server = await startIntakeServer({ now: () => new Date(now), config: { ingestRate: 10 } })
})
afterAll(() => server?.close())

const sendBatch = (size: number) => {
  const batch = Array.from({ length: size }, (_, i) => ({ type: 'track', userId: i + 1, event: 'x' }))
  return request(server, 'POST', '/v1/batch', { batch }, basic(server.trackingKey))
}

it('lets a project burst, then makes it wait for what it took', async () => {
  expect((await sendBatch(50)).status).toBe(200)
  const refused = await sendBatch(1)
  expect(refused).toMatchObject({
    status: 429,
    body: { message: expect.stringContaining('10 items a second') },
  })
  expect(refused.headers.get('retry-after')).toBe('1')

  now += 1_000
  // Larger than the bucket: it passes while anything is left, and is paid for afterwards.
  expect((await sendBatch(200)).status).toBe(200)
  expect((await sendBatch(1)).headers.get('retry-after')).toBe('20')
  now += 19_000
  expect((await sendBatch(1)).status).toBe(429)
  now += 1_000
  expect((await sendBatch(1)).status).toBe(200)
  expect(await server.take(251)).toHaveLength(251)
})

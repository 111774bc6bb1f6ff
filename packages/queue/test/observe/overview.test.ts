import { afterEach, expect, it } from 'vitest'
import { createQueue, memoryStore, type Queue } from '../../src/index.ts'

let queue: Queue | undefined
afterEach(() => queue?.close())

it('tells what waits, what runs and who got what, from the heartbeats of real workers', async () => {
  const store = memoryStore()
  const opened = (queue = createQueue({ store }))
  await opened.migrate()
  expect(await opened.overview()).toMatchObject({ lanes: [], processes: 1 })
  const options = { lanes: { work: {} }, leaseMs: 200 }
  for (let worker = 0; worker < 2; worker++) opened.worker({ job: async () => {} }, options)
  await opened.addMany(
    Array.from({ length: 30 }, (_, n) => ({
      lane: 'work',
      tenant: n < 20 ? 'a' : 'b',
      name: 'job',
      data: {},
    })),
  )
  await expect
    .poll(async () => {
      const reports = await store.reports()
      return reports.filter(({ report }) => JSON.stringify(report).includes('"work"')).length
    })
    .toBe(2)
  await opened.add({ lane: 'work', tenant: 'a', name: 'job', data: {}, delayMs: 60_000 })
  await expect
    .poll(async () => (await opened.overview()).lanes[0]?.shares.reduce((sum, { jobs }) => sum + jobs, 0))
    .toBe(30)
  const overview = await opened.overview()
  expect(overview).toMatchObject({
    processes: 1,
    admission: { refused: 0, slowed: 0 },
    memory: { intake: { limit: expect.any(Number) }, prefetch: { used: 0 } },
  })
  const [lane] = overview.lanes
  expect(lane).toMatchObject({ lane: 'work', scheduledJobs: 1, waitingJobs: 0, drainMs: 0, fairness: null })
  expect(lane!.perSecond).toBeGreaterThan(0)
  expect(lane!.dwellP99Ms).toBeGreaterThan(0)
})

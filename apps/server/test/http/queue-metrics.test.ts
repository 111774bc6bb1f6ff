import { afterAll, beforeAll, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../../../../testing/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.close())

it('shows the queue at the first reading, with at most ten projects by id', async () => {
  const { queue } = server.app
  await queue.pause({ lane: 'bulk' })
  const job = (tenant: number) => ({ lane: 'bulk', tenant: String(tenant), name: 'none', data: {} })
  // Project 101 has one job waiting, 102 two, … 115 fifteen.
  for (let n = 1; n <= 15; n++) await queue.addMany(Array.from({ length: n }, () => job(100 + n)))
  await queue.set('101', { maxJobs: 1 })
  await queue.add(job(101)).catch(() => {})
  await queue.add(job(101)).catch(() => {})

  const text = await (await fetch(`${server.url}/metrics`)).text()
  const value = (series: string) => {
    const line = text.split('\n').find((one) => one.startsWith(`${series} `))
    return line === undefined ? undefined : Number(line.split(' ').at(-1))
  }
  const waiting = value('fairway_queue_jobs{lane="bulk",state="waiting"}')!
  expect(waiting).toBeGreaterThanOrEqual(120)
  expect(value('fairway_queue_tenants{lane="bulk"}')).toBe(15)
  expect(value('fairway_queue_waiting_bytes{lane="bulk"}')).toBeGreaterThan(0)
  expect(value('fairway_queue_oldest_seconds{lane="bulk"}')).toBeGreaterThanOrEqual(0)
  expect(value('fairway_queue_in_flight{lane="bulk"}')).toBe(0)
  expect(value('fairway_queue_drain_seconds{lane="bulk"}')).toBeUndefined()
  expect(value('fairway_queue_project_waiting_jobs{project="115"}')).toBe(15)
  expect(value('fairway_queue_project_waiting_jobs{project="105"}')).toBeUndefined()
  // Projects 101 to 105.
  expect(value('fairway_queue_project_waiting_jobs{project="other"}')).toBe(waiting - 105)
  expect(text.match(/^fairway_queue_project_waiting_jobs\{/gm)).toHaveLength(11)
  expect(value('fairway_queue_refused_jobs_total')).toBeGreaterThanOrEqual(1)
  expect(value('fairway_queue_memory_bytes{account="intake",kind="limit"}')).toBeGreaterThan(0)
  expect(text).not.toContain('canary')
})

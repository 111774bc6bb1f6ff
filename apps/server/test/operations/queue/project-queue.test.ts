import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../../../../../testing/server.ts'
import { createProject } from '../../../src/accounts/projects.ts'
import type { ProjectQueue } from '../../../src/operations/queue/project-queue.ts'
import { signIn } from '../../accounts/console-client.ts'
import { type Caller, callAs } from './support.ts'

const patience = { timeout: 20_000, interval: 50 }
let clock = Date.now()
let server: TestServer
let shop: Caller
let other: Caller

beforeAll(async () => {
  server = await startTestServer({ now: () => new Date(clock), config: { role: 'api' } })
})
afterAll(() => server.close())
beforeEach(async () => {
  for (const assign of [(made: Caller) => (shop = made), (made: Caller) => (other = made)]) {
    const { project, secretKey } = await createProject(server.app, { name: 'Shop' })
    assign({ id: project.id, secretKey })
  }
})

const read = async (project: Caller) => (await callAs(server, project, 'GET', '/queue')).json as ProjectQueue
const laneOf = async (project: Caller, name: string) =>
  (await read(project)).lanes.find(({ lane }) => lane === name)!

const job = (project: Caller, lane: string, name = 'none') => ({
  lane,
  tenant: String(project.id),
  name,
  data: {},
})

describe("a project's queue", () => {
  test('of a new project is empty in every lane, without limits', async () => {
    const queue = await read(shop)
    expect(queue).toMatchObject({
      paused: false,
      limits: { weight: 1, maxInFlight: null, rate: null, maxJobs: null, maxBytes: null },
    })
    expect(queue.lanes.map(({ lane }) => lane)).toEqual([
      'ingest',
      'transactional',
      'automation',
      'bulk',
      'webhooks',
    ])
    expect(queue.lanes[0]).toEqual({
      lane: 'ingest',
      waiting: 0,
      waitingBytes: 0,
      oldestAgeMs: 0,
      timeInQueue: null,
      lanePaused: false,
      delayed: false,
      serviceShare: 0,
      inFlight: 0,
      perSecond: 0,
      waitingCalls: 0,
      longestCallMs: 0,
      drain: { state: 'empty', ms: null },
      quota: null,
      refused: 0,
      slowed: 0,
    })
  })

  test('shows what waits of this project alone, and says when it waits for too long', async () => {
    await server.app.queue.addMany([
      job(shop, 'bulk'),
      job(shop, 'bulk'),
      job(shop, 'transactional'),
      job(other, 'bulk'),
    ])
    expect(await laneOf(shop, 'bulk')).toMatchObject({
      waiting: 2,
      delayed: false,
      drain: { state: 'unknown' },
    })
    expect((await laneOf(shop, 'bulk')).waitingBytes).toBeGreaterThan(0)
    clock += 61_000
    expect(await laneOf(shop, 'transactional')).toMatchObject({ delayed: true })
    expect(await laneOf(shop, 'bulk')).toMatchObject({ delayed: false })
    clock += 240_000
    const bulk = await laneOf(shop, 'bulk')
    expect(bulk).toMatchObject({ delayed: true })
    expect(bulk.oldestAgeMs).toBeGreaterThanOrEqual(300_000)
    expect(await laneOf(other, 'bulk')).toMatchObject({ waiting: 1 })
  })

  test("shows the project's part of what the lane did in the last minute", async () => {
    const { queue } = server.app
    const ended: string[] = []
    const run = async ({ tenant }: { tenant: string }) => {
      await new Promise((resolve) => setTimeout(resolve, 5))
      ended.push(tenant)
    }
    await queue.addMany([...Array(3).fill(job(shop, 'webhooks', 'run')), job(other, 'webhooks', 'run')])
    const worker = queue.worker({ run }, { lanes: { webhooks: {} }, concurrency: 1 })
    await expect.poll(() => ended.length, patience).toBe(4)
    await worker.close()
    clock += 4_000
    const own = await laneOf(shop, 'webhooks')
    const others = await laneOf(other, 'webhooks')
    expect(own.serviceShare! + others.serviceShare!).toBeCloseTo(1)
    expect(own.serviceShare).toBeGreaterThan(others.serviceShare!)
    expect(own.perSecond! / others.perSecond!).toBeCloseTo(3)
    expect(own.inFlight).toBeGreaterThan(0)
    expect(own).toMatchObject({ waiting: 0, drain: { state: 'empty', ms: null } })
  })

  test('is paused and goes on, by key or by a signed-in member, and no other project with it', async () => {
    await server.app.queue.addMany([job(shop, 'bulk'), job(other, 'bulk')])
    const paused = await callAs(server, shop, 'POST', '/queue/pause')
    expect(paused.status).toBe(200)
    expect(paused.json).toMatchObject({ paused: true })
    expect(await laneOf(shop, 'bulk')).toMatchObject({ waiting: 1, drain: { state: 'paused' } })
    expect(await read(other)).toMatchObject({ paused: false })
    expect(await server.app.queue.controls(String(shop.id))).toEqual({ paused: true })
    const overview = await callAs(server, shop, 'GET', '/overview')
    expect(overview.json.attention).toEqual([expect.objectContaining({ kind: 'work_paused', count: 1 })])

    const owner = await signIn(server.app, server.url)
    const path = `/api/v1/projects/${shop.id}/queue`
    expect((await owner.fetch(`${path}/resume`, { method: 'POST' })).status).toBe(200)
    expect(await read(shop)).toMatchObject({ paused: false })
    // Another site's page must not pause anything.
    const headers = { origin: 'https://evil.example' }
    expect((await owner.fetch(`${path}/pause`, { method: 'POST', headers })).status).toBe(403)
    expect(await read(shop)).toMatchObject({ paused: false })
  })

  test('shows limits, full quotas and what was refused for them', async () => {
    await server.app.queue.set(String(shop.id), { weight: 3, rate: 5, maxJobs: 2 })
    for (const status of [200, 200, 429]) expect((await track(shop)).status).toBe(status)
    const queue = await read(shop)
    expect(queue.limits).toEqual({ weight: 3, maxInFlight: null, rate: 5, maxJobs: 2, maxBytes: null })
    expect(queue.lanes[0]).toMatchObject({ waiting: 2, quota: { used: 1, state: 'full' }, refused: 1 })
    expect(queue.lanes[1]).toMatchObject({ quota: { used: 0, state: 'open' }, refused: 0, slowed: 0 })
    expect((await read(other)).lanes[0]).toMatchObject({ quota: null, refused: 0 })
  })

  test('says that the operator paused a lane', async () => {
    await server.app.queue.add(job(shop, 'automation'))
    await server.app.queue.pause({ lane: 'automation' })
    clock += 4_000
    expect(await laneOf(shop, 'automation')).toMatchObject({ lanePaused: true, drain: { state: 'paused' } })
    expect(await read(shop)).toMatchObject({ paused: false })
    await server.app.queue.resume({ lane: 'automation' })
    clock += 4_000
    expect(await laneOf(shop, 'automation')).toMatchObject({ lanePaused: false })
  })
})

test('nobody reads or steers the queue of a project that is not theirs', async () => {
  await server.app.pool.query(
    `insert into organizations (id, name, slug) values ('elsewhere', 'Elsewhere', 'elsewhere') on conflict do nothing`,
  )
  const hidden = await createProject(server.app, { name: 'Hidden', organizationId: 'elsewhere' })
  const owner = await signIn(server.app, server.url)
  for (const [method, path] of [
    ['GET', '/queue'],
    ['POST', '/queue/pause'],
    ['POST', '/queue/resume'],
  ] as const) {
    const address = `/api/v1/projects/${hidden.project.id}${path}`
    expect((await owner.fetch(address, { method })).status).toBe(404)
    expect((await fetch(`${server.url}${address}`, { method })).status).toBe(401)
    const trespasser = { id: hidden.project.id, secretKey: shop.secretKey }
    const refused = await callAs(server, trespasser, method, path)
    expect(refused).toMatchObject({ status: 403, type: expect.stringContaining('problem+json') })
    expect(refused.json).toMatchObject({ status: 403, code: 'forbidden' })
  }
  expect(await server.app.queue.controls(String(hidden.project.id))).toEqual({})
})

const track = ({ secretKey }: Caller) =>
  fetch(`${server.url}/api/v2/events/track`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ auth_token: secretKey, identity: { id: 'u' }, event_name: 'Seen', data: {} }),
  })

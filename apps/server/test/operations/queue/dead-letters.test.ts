import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../../../../../testing/server.ts'
import { createProject } from '../../../src/accounts/projects.ts'
import type { DeadJob } from '../../../src/operations/queue/dead-letters.ts'
import { bury, type Caller, callAs } from './support.ts'

let server: TestServer
let shop: Caller
let other: Caller

beforeAll(async () => {
  server = await startTestServer({ config: { role: 'api' } })
})
afterAll(() => server.close())
beforeEach(async () => {
  for (const assign of [(made: Caller) => (shop = made), (made: Caller) => (other = made)]) {
    const { project, secretKey } = await createProject(server.app, { name: 'Shop' })
    assign({ id: project.id, secretKey })
  }
})

const call = (project: Caller, method: string, path: string, body?: unknown) =>
  callAs(server, project, method, `/queue/dead-letters${path}`, body)
const list = async (project: Caller, query = '') =>
  (await call(project, 'GET', query)).json.items as DeadJob[]
const reasons = async (project: Caller, query = '') =>
  (await list(project, query)).map(({ reason }) => reason)

/** In this order; the list has them newest first. */
const buryInShop = (...data: string[]) =>
  bury(
    server,
    data.map((text) => ({
      project: shop.id,
      lane: text.startsWith('hook') ? 'webhooks' : 'bulk',
      name: text,
      data: text,
    })),
  )

const waiting = async (project: Caller) =>
  (await server.app.queue.tenants(10, { tenant: String(project.id) })).reduce(
    (sum, one) => sum + one.waitingJobs,
    0,
  )

describe('dead letters', () => {
  test('are listed page by page, newest first, filtered, and read with their data', async () => {
    expect((await call(shop, 'GET', '')).json).toEqual({ items: [], nextCursor: null })
    await buryInShop('no 100% match', 'hook: Timed OUT', 'bulk: timed out', 'gone')
    const seen: string[] = []
    let cursor = ''
    do {
      const { json } = await call(shop, 'GET', `?limit=3${cursor && `&cursor=${cursor}`}`)
      seen.push(...json.items.map(({ reason }: DeadJob) => reason))
      cursor = json.nextCursor ?? ''
    } while (cursor)
    expect(seen).toEqual(['gone', 'bulk: timed out', 'hook: Timed OUT', 'no 100% match'])
    expect(await reasons(shop, '?reason=timed%20out')).toEqual(['bulk: timed out', 'hook: Timed OUT'])
    expect(await reasons(shop, '?lane=bulk&reason=timed')).toEqual(['bulk: timed out'])
    expect(await reasons(shop, '?name=gone')).toEqual(['gone'])
    expect(await reasons(shop, `?reason=${encodeURIComponent('0%')}`)).toEqual(['no 100% match'])
    expect(await reasons(shop, '?before=2020-01-01T00:00:00Z')).toEqual([])

    const [newest] = await list(shop)
    expect(newest).toEqual({
      ref: expect.stringMatching(/^\d+$/),
      id: expect.any(String),
      lane: 'bulk',
      name: 'gone',
      attempts: 1,
      reason: 'gone',
      diedAt: expect.any(String),
    })
    expect((await call(shop, 'GET', `/${newest!.ref}`)).json).toEqual({ ...newest, data: 'gone' })
    expect((await call(shop, 'GET', '/999999999')).status).toBe(404)
  })

  test('run again: those selected, and all that match at a rate', async () => {
    await buryInShop('a', 'b', 'c', 'hook d')
    const [d, , b] = await list(shop)
    const selected = await call(shop, 'POST', '/redrive', { refs: [b!.ref, d!.ref, '999999999', b!.ref] })
    expect(selected).toMatchObject({ status: 200, json: { redriven: 2 } })
    expect(await reasons(shop)).toEqual(['c', 'a'])
    await expect.poll(() => waiting(shop), { timeout: 20_000 }).toBe(2)

    const rest = await call(shop, 'POST', '/redrive', { matching: { lane: 'bulk' }, perSecond: 0.001 })
    expect(rest.json).toEqual({ redriven: 2 })
    expect(await list(shop)).toEqual([])
    const bulk = (await server.app.queue.stats()).find(({ lane }) => lane === 'bulk')
    // Due a thousand seconds after the first.
    expect(bulk!.scheduledJobs).toBeGreaterThanOrEqual(1)
  })

  test('are removed: those selected, and all that match once it was confirmed', async () => {
    await buryInShop('a', 'b', 'c', 'hook d')
    const [, c] = await list(shop)
    expect((await call(shop, 'POST', '/discard', { refs: [c!.ref] })).json).toEqual({ discarded: 1 })
    const unconfirmed = await call(shop, 'POST', '/discard', { matching: { lane: 'bulk' } })
    expect(unconfirmed).toMatchObject({ status: 422, json: { field: 'confirm', code: 'invalid_field' } })
    expect(await reasons(shop)).toEqual(['hook d', 'b', 'a'])
    const bulk = await call(shop, 'POST', '/discard', { matching: { lane: 'bulk' }, confirm: true })
    expect(bulk.json).toEqual({ discarded: 2 })
    expect((await call(shop, 'POST', '/discard', { matching: {}, confirm: true })).json).toEqual({
      discarded: 1,
    })
    expect(await list(shop)).toEqual([])
  })

  test('those that died after the time that was looked at stay', async () => {
    await buryInShop('seen')
    const [seen] = await list(shop)
    const before = new Date(Date.parse(String(seen!.diedAt)) + 1).toISOString()
    await new Promise((resolve) => setTimeout(resolve, 5))
    await buryInShop('later')
    const body = { matching: { before }, confirm: true }
    expect((await call(shop, 'POST', '/discard', body)).json).toEqual({ discarded: 1 })
    expect(await reasons(shop)).toEqual(['later'])
  })
})

test("a project neither sees nor steers another's dead letters, not even by their refs", async () => {
  await bury(server, [
    { project: shop.id, lane: 'bulk', name: 'work', data: 'mine 1' },
    { project: other.id, lane: 'bulk', name: 'work', data: 'theirs 1' },
    { project: shop.id, lane: 'bulk', name: 'work', data: 'mine 2' },
    { project: other.id, lane: 'bulk', name: 'work', data: 'theirs 2' },
  ])
  const theirs = (await list(other)).map(({ ref }) => ref)
  const mine = (await list(shop)).map(({ ref }) => ref)
  expect(await reasons(shop)).toEqual(['mine 2', 'mine 1'])
  expect(await reasons(shop, '?reason=theirs')).toEqual([])
  for (const ref of theirs) {
    const refused = await call(shop, 'GET', `/${ref}`)
    expect(refused).toMatchObject({ status: 404, type: expect.stringContaining('problem+json') })
  }
  expect((await call(shop, 'POST', '/redrive', { refs: theirs })).json).toEqual({ redriven: 0 })
  expect((await call(shop, 'POST', '/discard', { refs: theirs })).json).toEqual({ discarded: 0 })
  const theirCursor = (await call(other, 'GET', '?limit=1')).json.nextCursor
  expect(await reasons(shop, `?cursor=${theirCursor}`)).toEqual(['mine 2', 'mine 1'])

  expect((await call(shop, 'POST', '/redrive', { refs: [theirs[0], mine[1]] })).json).toEqual({ redriven: 1 })
  expect((await call(shop, 'POST', '/redrive', { matching: {} })).json).toEqual({ redriven: 1 })
  expect((await call(shop, 'POST', '/discard', { matching: {}, confirm: true })).json).toEqual({
    discarded: 0,
  })
  expect(await reasons(other)).toEqual(['theirs 2', 'theirs 1'])

  const trespasser = { id: other.id, secretKey: shop.secretKey }
  for (const [method, path, body] of [
    ['GET', '', undefined],
    ['GET', `/${theirs[0]}`, undefined],
    ['POST', '/redrive', { refs: theirs }],
    ['POST', '/discard', { matching: {}, confirm: true }],
  ] as const)
    expect((await call(trespasser, method, path, body)).status).toBe(403)
  expect(await reasons(other)).toEqual(['theirs 2', 'theirs 1'])
})

test.each([
  ['GET', '?limit=0', undefined, 'limit'],
  ['GET', '?limit=101', undefined, 'limit'],
  ['GET', '?cursor=nonsense', undefined, 'cursor'],
  ['GET', '?reason=a%00b', undefined, 'reason'],
  ['GET', `?lane=${'x'.repeat(201)}`, undefined, 'lane'],
  ['GET', '?before=yesterday', undefined, 'before'],
  ['GET', '?before=2026-13-01T00:00:00Z', undefined, 'before'],
  ['GET', '/x', undefined, 'ref'],
  ['GET', '/1234567890123456789', undefined, 'ref'],
  ['POST', '/redrive', {}, 'refs'],
  ['POST', '/redrive', { refs: ['1'], matching: {} }, 'refs'],
  ['POST', '/redrive', { refs: [] }, 'refs'],
  ['POST', '/redrive', { refs: ['one'] }, 'refs.0'],
  ['POST', '/redrive', { refs: [1] }, 'refs.0'],
  ['POST', '/redrive', { refs: Array.from({ length: 101 }, (_, n) => String(n)) }, 'refs'],
  ['POST', '/redrive', { matching: {}, perSecond: 0 }, 'perSecond'],
  ['POST', '/redrive', { matching: { tenant: '1' } }, 'matching.tenant'],
  ['POST', '/discard', { matching: {}, confirm: false }, 'confirm'],
  ['POST', '/discard', { matching: { before: '0000-01-01T00:00:00Z' }, confirm: true }, 'matching.before'],
])('refuses %s %s %j, naming %s', async (method, path, body, field) => {
  const { status, type, json } = await call(shop, method, path, body)
  expect({ status, field: json.field, type }).toEqual({
    status: 422,
    field,
    type: expect.stringContaining('application/problem+json'),
  })
})

test('takes the 31st of February for the 3rd of March, and microseconds', async () => {
  expect((await call(shop, 'GET', '?before=2026-02-31T00:00:00Z')).status).toBe(200)
  expect((await call(shop, 'GET', '?before=2026-02-01T00:00:00.123456%2B02:00')).status).toBe(200)
})

test('the description of the API has every route', async () => {
  const { paths } = (await (await fetch(`${server.url}/openapi.json`)).json()) as {
    paths: Record<string, Record<string, { tags: string[]; summary: string; security: unknown }>>
  }
  const routes = Object.entries(paths)
    .filter(([path]) => path.startsWith('/api/v1/projects/{project}/queue'))
    .flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { tags, summary, security }]) => {
        expect({ tags, security }).toEqual({ tags: ['queue'], security: [{ secretKey: [] }] })
        expect(summary).not.toBe('')
        return `${method} ${path.slice('/api/v1/projects/{project}'.length)}`
      }),
    )
  expect(routes.filter((route) => !route.startsWith('head')).toSorted()).toEqual([
    'get /queue',
    'get /queue/dead-letters',
    'get /queue/dead-letters/{ref}',
    'post /queue/dead-letters/discard',
    'post /queue/dead-letters/redrive',
    'post /queue/pause',
    'post /queue/resume',
  ])
})

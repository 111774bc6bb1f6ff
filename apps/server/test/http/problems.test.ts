import { connect } from 'node:net'
import {
  createQueue,
  memoryStore,
  QueueOverloaded,
  QueueUnavailable,
  TenantQuotaExceeded,
} from '@fairway/queue'
import Fastify from 'fastify'
import pg from 'pg'
import { Type } from 'typebox'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { testDatabaseUrl } from '../../../../testing/postgres.ts'
import { startTestServer, type TestServer } from '../../../../testing/server.ts'
import { readJsonBodies } from '../../src/http/json-body.ts'
import { renderProblems } from '../../src/http/problems.ts'
import { ApiError, conflict, notFound } from '../../src/platform/errors.ts'
import { compileSchema } from '../../src/platform/http/validation.ts'

const Campaign = Type.Object(
  {
    name: Type.String({ minLength: 2 }),
    state: Type.Union([Type.Literal('off'), Type.Literal('live')]),
    steps: Type.Array(Type.Object({ id: Type.String() })),
    note: Type.Optional(Type.Union([Type.String(), Type.Null()])),
    size: Type.Integer({ default: 3 }),
  },
  { additionalProperties: false },
)

function build(thrown?: unknown) {
  const server = Fastify({ bodyLimit: 1_000 }).setValidatorCompiler(compileSchema as never)
  renderProblems(server)
  readJsonBodies(server)
  server.get('/throws', () => {
    throw thrown
  })
  server.post('/campaigns', { schema: { body: Campaign } }, (request) => request.body)
  server.get(
    '/list',
    { schema: { querystring: Type.Object({ limit: Type.Integer({ maximum: 10, default: 5 }) }) } },
    (request) => request.query,
  )
  return server
}

async function problemOf(thrown: unknown) {
  const reply = await build(thrown).inject('/throws')
  expect(reply.headers['content-type']).toContain('application/problem+json')
  return { ...reply.json(), retryAfter: reply.headers['retry-after'] }
}

const post = (payload: unknown, type = 'application/json') =>
  build().inject({
    method: 'POST',
    url: '/campaigns',
    headers: { 'content-type': type },
    payload: typeof payload === 'string' ? payload : JSON.stringify(payload),
  })

describe('thrown errors', () => {
  it('are told as they are when they are ours', async () => {
    expect(await problemOf(conflict('Taken', { taken: ['a'] }))).toEqual({
      title: 'Conflict',
      status: 409,
      detail: 'Taken',
      code: 'conflict',
      taken: ['a'],
      requestId: expect.any(String),
    })
    expect(await problemOf(notFound('Project'))).toMatchObject({
      status: 404,
      detail: 'Project was not found',
    })
  })

  it.each([
    [new QueueOverloaded('full', 1_500), 429, 'too_many_requests', '2'],
    [new TenantQuotaExceeded('bulk', '7', 'full', 2_500), 429, 'too_many_requests', '3'],
    [new QueueUnavailable('away', 900), 503, 'unavailable', '1'],
    [Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }), 503, 'unavailable', '2'],
    [Object.assign(new Error('terminating connection'), { code: '57P01' }), 503, 'unavailable', '2'],
    [new Error('Connection terminated unexpectedly'), 503, 'unavailable', '2'],
  ])('%s is %i with Retry-After', async (error, status, code, retryAfter) => {
    expect(await problemOf(error)).toMatchObject({ status, code, retryAfter })
  })

  it('name the quota that a project has used up', async () => {
    const store = memoryStore()
    const queue = createQueue({ store })
    await queue.set('7', { maxJobs: 2 })
    const job = { lane: 'bulk', tenant: '7', name: 'deliver', data: {} }
    await queue.addMany([job, job])
    const refusal = await queue.add(job).catch((error: unknown) => error)
    expect(await problemOf(refusal)).toMatchObject({
      status: 429,
      code: 'too_many_requests',
      detail: expect.stringMatching(/^Project 7 has its quota of 2 jobs waiting in lane bulk/),
      retryAfter: expect.stringMatching(/^[1-9]\d*$/),
    })
    await queue.close()
  })

  it.each([
    new Error('password=hunter2'),
    'hunter2',
    { statusCode: 200, message: 'hunter2' },
    null,
    undefined,
  ])('anything else is a 500 that tells nothing: %s', async (thrown) => {
    const problem = await problemOf(thrown)
    expect(problem).toMatchObject({ status: 500, code: 'internal', requestId: expect.any(String) })
    expect(JSON.stringify(problem)).not.toContain('hunter2')
  })

  it('carry their Retry-After', async () => {
    expect(await problemOf(new ApiError(503, 'x', 'y', { retryAfterSeconds: 7 }))).toMatchObject({
      retryAfter: '7',
    })
  })
})

describe('requests that can not be read', () => {
  const good = { name: 'Hello', state: 'off', steps: [], size: 1 }

  it.each([
    ['{"name":', 400, 'malformed_json'],
    ['', 400, 'malformed_json'],
    ['{"__proto__":{"a":1}}', 400, 'malformed_json'],
    [JSON.stringify('x'.repeat(2_000)), 413, 'too_large'],
  ])('%s is %i', async (body, status, code) => {
    expect((await post(body)).json()).toMatchObject({ status, code, detail: expect.any(String) })
  })

  it('name the media type that is understood', async () => {
    expect((await post('a=1', 'application/x-www-form-urlencoded')).json()).toMatchObject({
      status: 415,
      detail: expect.stringContaining('application/json'),
    })
  })

  it.each([
    [{ ...good, name: undefined }, 'name', 'is required'],
    [{ ...good, name: 5 }, 'name', 'must be string'],
    [{ ...good, state: 'on' }, 'state', 'must be "off" or "live"'],
    [{ ...good, steps: [{ id: 'a' }, {}] }, 'steps.1.id', 'is required'],
    [{ ...good, note: 5 }, 'note', 'must be string or null'],
    [{ ...good, size: '1' }, 'size', 'must be integer'],
    [{ ...good, extra: 1 }, 'extra', 'is not a known field'],
  ])('%o names the field', async (body, field, message) => {
    const problem = (await post(body)).json()
    expect(problem).toMatchObject({
      status: 422,
      code: 'invalid_field',
      field,
      detail: `${field} ${message}.`,
    })
    expect(problem.errors).toContainEqual({ field, message })
  })

  it('fill in defaults, and convert what comes in the query string', async () => {
    expect((await post({ ...good, size: undefined })).json()).toEqual({ ...good, size: 3 })
    expect((await build().inject('/list?limit=7')).json()).toEqual({ limit: 7 })
    expect((await build().inject('/list')).json()).toEqual({ limit: 5 })
    expect((await build().inject('/list?limit=70')).json()).toMatchObject({ status: 422, field: 'limit' })
    expect((await build().inject('/list?limit=x')).json()).toMatchObject({ status: 422, field: 'limit' })
  })
})

describe('the server', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startTestServer()
  })
  afterAll(() => server.close())

  it('answers unknown API paths with a problem, and other paths of a browser with the console', async () => {
    const api = await fetch(`${server.url}/api/v1/nothing?key=hidden`, { headers: { accept: 'text/html' } })
    expect(api.status).toBe(404)
    expect(await api.text()).not.toContain('hidden')
    const page = await fetch(`${server.url}/people`, { headers: { accept: 'text/html' } })
    expect(page.status).toBe(200)
    expect(page.headers.get('content-security-policy')).toContain(`script-src 'self'`)
    expect((await fetch(`${server.url}/people`, { method: 'POST' })).status).toBe(404)
  })

  it('answers a URL that can not be decoded with 400', async () => {
    expect((await fetch(`${server.url}/api/v1/%E0%A4%A`)).status).toBe(400)
  })

  it('answers what is not HTTP with 400', async () => {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
    const answer = new Promise<string>((done) => {
      let text = ''
      socket.on('data', (chunk) => (text += chunk)).on('close', () => done(text))
    })
    socket.write('NONSENSE\r\n\r\n')
    expect(await answer).toMatch(/^HTTP\/1\.1 400/)
  })

  it('measures requests under the pattern of their route', async () => {
    await fetch(`${server.url}/api/v1/projects/123/settings`)
    for (let path = 0; path < 20; path++) await fetch(`${server.url}/unknown-${path}`)
    const text = await (await fetch(`${server.url}/metrics`)).text()
    expect(text).toContain('route="/api/v1/projects/:project/settings",status="4xx"')
    expect(text).not.toContain('unknown-')
    expect(text).toContain('fairway_database_connections')
    expect(text).toContain('process_resident_memory_bytes')
    expect(text).toContain('fairway_jobs_total')
  })

  it('describes its API', async () => {
    const api = await (await fetch(`${server.url}/openapi.json`)).json()
    expect(api.openapi).toBe('3.1.0')
    expect(Object.keys(api.paths)).toEqual(
      expect.arrayContaining(['/healthz', '/api/v1/projects/{project}/settings', '/api/v2/events/track']),
    )
    expect((await fetch(`${server.url}/docs`)).status).toBe(200)
  })

  it('says that it is failing while the database is away, and recovers', async () => {
    const broken = await startTestServer()
    const admin = new pg.Client({ connectionString: await testDatabaseUrl() })
    await admin.connect()
    const status = async (path: string) => (await fetch(broken.url + path)).status
    try {
      const { rows } = await broken.app.pool.query<{ name: string }>('select current_database() as name')
      const { name } = rows[0]!
      await admin.query(`alter database ${name} allow_connections false`)
      await admin.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [name])
      await expect.poll(() => status('/readyz')).toBe(503)
      const failing = await fetch(`${broken.url}/healthz`)
      expect(failing.status).toBe(503)
      expect(failing.headers.get('retry-after')).toBe('1')
      expect(await failing.json()).toEqual({ status: 'failing', reason: expect.any(String) })
      await admin.query(`alter database ${name} allow_connections true`)
      await expect.poll(() => status('/readyz'), { timeout: 30_000 }).toBe(200)
      await expect.poll(() => status('/healthz'), { timeout: 30_000 }).toBe(200)
    } finally {
      await admin.end()
      await broken.close()
    }
  })
})

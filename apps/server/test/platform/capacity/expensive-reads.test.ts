import Fastify from 'fastify'
import type { PoolClient } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../../../../../testing/server.ts'
import { until } from '../../../../../testing/until.ts'
import { type CreatedProject, createProject } from '../../../src/accounts/projects.ts'
import { guardRoutes } from '../../../src/accounts/route-rights.ts'
import { registerRoutes } from '../../../src/http/routes.ts'
import { ExpensiveReads } from '../../../src/platform/capacity/expensive-reads.ts'
import { createPool } from '../../../src/platform/db/database.ts'
import { seatExpensiveRoutes } from '../../../src/platform/http/expensive-routes.ts'
import { compileSchema } from '../../../src/platform/http/validation.ts'

let server: TestServer
let other: CreatedProject
/** While it holds this lock, reads that ask for it don't end. */
let gate: PoolClient
const lock = 4711

beforeAll(async () => {
  server = await startTestServer({ config: { role: 'api', databaseConnections: 20 } })
  other = await createProject(server.app, { name: 'Other' })
  gate = await server.app.pool.connect()
})
afterAll(async () => {
  gate?.release()
  await server?.close()
})

type Project = { id: number; key: string }
const first = (): Project => ({ id: server.projectId, key: server.secretKey })
const second = (): Project => ({ id: other.project.id, key: other.secretKey })

async function ask({ id, key }: Project, path: string, body?: object, signal?: AbortSignal) {
  const response = await fetch(`${server.url}/api/v1/projects/${id}${path}`, {
    method: body ? 'POST' : 'GET',
    headers: { authorization: `Bearer ${key}`, ...(body && { 'content-type': 'application/json' }) },
    body: body && JSON.stringify(body),
    signal,
  })
  return {
    status: response.status,
    retryAfter: response.headers.get('retry-after'),
    body: await response.json(),
  }
}
const preview = (project: Project, signal?: AbortSignal) =>
  ask(project, '/segments/preview', { conditions: { tag: 'vip' }, exact: true }, signal)

/** Statements of costly reads that PostgreSQL works on. */
async function running(): Promise<number> {
  const { rows } = await server.app.pool.query<{ count: number }>(
    `select count(*) from pg_stat_activity
     where datname = current_database() and application_name = 'fairway reads' and state = 'active'`,
  )
  return rows[0]!.count
}

describe('costly reads', () => {
  it("of one project stand in nobody else's way, nor in that of its own quick requests", async () => {
    await gate.query('select pg_advisory_lock($1)', [lock])
    const outcomes: string[] = []
    const flood = Array.from({ length: 40 }, () =>
      server.app.expensiveReads
        .run({ projectId: server.projectId, narrow: '' }, ({ pool }) =>
          pool.query('select pg_advisory_lock_shared($1), pg_advisory_unlock_shared($1)', [lock]),
        )
        .then(
          () => outcomes.push('done'),
          (error) => outcomes.push(error.code),
        ),
    )
    // 2 run, 8 wait, 30 were told so.
    await until(async () => (await running()) === 2 && outcomes.length >= 30)
    expect(outcomes).toEqual(Array(30).fill('busy'))

    expect(await preview(first())).toMatchObject({
      status: 429,
      retryAfter: '2',
      body: { code: 'busy', detail: expect.stringContaining('try again in a moment') },
    })
    expect(await preview(second())).toMatchObject({ status: 200, body: { count: 0, exact: true } })
    expect(await ask(second(), '/people')).toMatchObject({ status: 200 })
    expect(await ask(first(), '/people')).toMatchObject({ status: 200 })
    const head = await fetch(`${server.url}/api/v1/projects/${other.project.id}/events`, {
      method: 'HEAD',
      headers: { authorization: `Bearer ${other.secretKey}` },
    })
    expect(head.status).toBe(200)
    expect(outcomes).not.toContain('done')

    await gate.query('select pg_advisory_unlock($1)', [lock])
    await Promise.all(flood)
    expect(await preview(first())).toMatchObject({ status: 200 })
  })

  it('end in PostgreSQL when their client goes away, and leave their seats', async () => {
    await gate.query('begin; lock table people in access exclusive mode')
    const gone = new AbortController()
    const asked = [1, 2].map(() => preview(first(), gone.signal).catch(() => 'gone'))
    await until(async () => (await running()) === 2)
    gone.abort()
    expect(await Promise.all(asked)).toEqual(['gone', 'gone'])
    await until(async () => (await running()) === 0)
    const read = { projectId: server.projectId, narrow: '' }
    const free = await server.app.expensiveReads.run(read, ({ pool }) => pool.query('select 1 as one'))
    expect(free.rows).toEqual([{ one: 1 }])
    await gate.query('rollback')
  })

  it('are ended when they take too long, and say what to ask for instead', async () => {
    const pool = createPool({ url: server.app.pool.options.connectionString!, max: 1 })
    const reads = new ExpensiveReads({
      pool,
      quickPool: server.app.pool,
      now: server.app.now,
      statementMs: 20,
    })
    const read = { projectId: 1, narrow: 'Ask for fewer `hours`.' }
    await expect(reads.run(read, (seat) => seat.pool.query('select pg_sleep(600)'))).rejects.toMatchObject({
      status: 422,
      code: 'too_costly',
      message: 'This took more than 0.02 s and was ended. Ask for fewer `hours`.',
    })
    await pool.end()
  })

  it('only read, one statement after the other on one connection', async () => {
    const read = { projectId: server.projectId, narrow: '' }
    const run = server.app.expensiveReads
    await expect(
      run.run(read, ({ pool }) => pool.query('create table written (id integer)')),
    ).rejects.toMatchObject({ code: '25006' })
    const pids = await run.run(read, ({ pool }) =>
      Promise.all([1, 2, 3].map(() => pool.query('select pg_backend_pid() as pid'))),
    )
    expect(new Set(pids.map(({ rows }) => rows[0].pid)).size).toBe(1)
  })

  it('are these', async () => {
    const routes: string[] = []
    const fastify = Fastify().setValidatorCompiler(compileSchema)
    guardRoutes(fastify, server.app)
    seatExpensiveRoutes(fastify, server.app)
    fastify.addHook('onRoute', ({ method, url, config }) => {
      if (config?.expensive && method !== 'HEAD')
        routes.push(`${method} ${url.replace('/api/v1/projects/:project', '')}`)
    })
    await registerRoutes(fastify, server.app)
    await fastify.ready()
    expect(routes.sort()).toEqual([
      'GET /campaigns/:id/messages',
      'GET /campaigns/:id/report',
      'GET /catalog/events',
      'GET /catalog/events/:name/properties',
      'GET /catalog/properties',
      'GET /catalog/properties/:name/values',
      'GET /catalog/tags',
      'GET /catalog/topics',
      'GET /events',
      'GET /events/counts',
      'GET /events/over-time',
      'GET /messages',
      'GET /messages/failed',
      'GET /people',
      'GET /people/:person/timeline',
      'GET /people/count',
      'GET /queue/dead-letters',
      'POST /people/search',
      'POST /segments/preview',
    ])
    await fastify.close()
  })
})

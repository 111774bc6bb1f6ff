import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../../../testing/postgres.ts'
import { type ServerProcess, startServerProcess } from '../../../../../testing/process.ts'
import { until } from '../../../../../testing/until.ts'

const kills = 3
const rows = 30_000

let database: TestDatabase
let shop: TestDatabase
let server: ServerProcess

beforeAll(async () => {
  database = await createTestDatabase()
  shop = await createTestDatabase({ migrate: false })
  await shop.pool.query('create table orders (id bigint primary key, email text, placed timestamptz)')
  server = await startServerProcess({
    env: { DATABASE_URL: database.url, FAIRWAY_ALLOW_PRIVATE_NETWORKS: 'true' },
  })
})
afterAll(async () => {
  await server?.dispose()
  await database?.drop()
  await shop?.drop()
})

test('kill -9 while a source is read and imported: every row becomes one event', async () => {
  const { project, secretKey } = JSON.parse(await server.cli('project', 'create', 'Crash', '--json'))
  const call = async (method: string, path: string, body?: unknown) => {
    const response = await fetch(`${server.url}/api/v1/projects/${project.id}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${secretKey}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    })
    if (!response.ok) throw new Error(await response.text())
    return response.json()
  }
  const progress = async () => {
    const { rows: found } = await database.pool.query<{ steps: number }>(
      'select coalesce(sum(steps), 0)::bigint as steps from tasks',
    )
    return found[0]!.steps
  }
  const ended = async () => {
    const { rows: found } = await database.pool.query(
      `select from sources where run_state in ('fetching', 'importing')`,
    )
    return found.length === 0
  }

  const { id } = await call('POST', '/sources', {
    name: 'Orders',
    kind: 'postgres',
    url: shop.url,
    query: 'select id, email, placed from orders',
    // Many rows share one: the hard case for whoever goes on in the middle.
    cursorColumn: 'placed',
    import: {
      kind: 'events',
      mapping: { id: { to: 'property:id', type: 'number' }, email: { to: 'email' }, placed: { to: 'time' } },
      options: { event: 'Ordered' },
    },
  })
  let killed = 0
  for (const [first, last] of [
    [1, rows / 2],
    [rows / 2 + 1, rows],
  ] as const) {
    await shop.pool.query(
      `insert into orders select n, 'p' || n % 500 || '@example.com', timestamptz '2026-05-01' + (n / 4000) * interval '1 hour'
       from generate_series($1::int, $2::int) n`,
      [first, last],
    )
    await call('POST', `/sources/${id}/run`)
    while (!(await ended())) {
      if (killed < kills) {
        const before = await progress()
        await until(async () => (await progress()) > before || ended())
        await sleep(Math.random() * 100)
        await server.kill()
        await server.restart()
        killed++
      }
      await sleep(50)
    }
    expect((await call('GET', `/sources/${id}`)).lastRun).toMatchObject({
      state: 'done',
      rows: rows / 2,
      error: null,
    })
  }
  const { rows: found } = await database.pool.query(
    `select count(*) as events, count(distinct properties -> 'id') as orders from events`,
  )
  expect(found[0]).toEqual({ events: rows, orders: rows })
}, 240_000)

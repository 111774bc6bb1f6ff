import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../../../testing/postgres.ts'
import { type ServerProcess, startServerProcess } from '../../../../../testing/process.ts'
import { until } from '../../../../../testing/until.ts'

const kills = 3
const people = 60_000

let database: TestDatabase
let server: ServerProcess
let api: string
let key: string

beforeAll(async () => {
  database = await createTestDatabase()
  server = await startServerProcess({ env: { DATABASE_URL: database.url } })
  const created = JSON.parse(await server.cli('project', 'create', 'Crash', '--json'))
  api = `${server.url}/api/v1/projects/${created.project.id}`
  key = created.secretKey
  await database.pool.query(
    `insert into people (project_id, external_id, email, properties)
     select $1, 'p' || n, 'p' || n || '@example.com',
       jsonb_build_object('n', n, 'p' || n % 50, n, 'text', repeat(md5(n::text), 20)) from generate_series(1, $2) n`,
    [created.project.id, people],
  )
  await database.pool.query('analyze people')
})
afterAll(async () => {
  await server?.dispose()
  await database?.drop()
})

// biome-ignore lint/suspicious/noExplicitAny: whatever the server answers
async function call(method: string, path: string, body?: unknown): Promise<any> {
  const response = await fetch(api + path, {
    method,
    headers: {
      authorization: `Bearer ${key}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    body: body === undefined ? undefined : JSON.stringify(body),
  })
  expect(response.ok).toBe(true)
  return response.json()
}

async function hashOf(id: number): Promise<string> {
  const response = await fetch(`${api}/exports/${id}/file`, { headers: { authorization: `Bearer ${key}` } })
  const hash = createHash('sha256')
  for await (const piece of response.body!) hash.update(piece)
  return hash.digest('hex')
}

async function whole(format: string): Promise<number> {
  const { id } = await call('POST', '/exports', { kind: 'people', format })
  await until(async () => (await call('GET', `/exports/${id}`)).state === 'done')
  return id
}

test('kill -9 again and again: every file equals the one of an export that nobody disturbed', async () => {
  const formats = ['csv', 'ndjson']
  const expected = await Promise.all(formats.map(async (format) => hashOf(await whole(format))))
  const made = await Promise.all(
    formats.map((format) => call('POST', '/exports', { kind: 'people', format })),
  )
  const progress = async () => {
    const { rows } = await database.pool.query<{ steps: number }>(
      `select sum(steps)::bigint as steps from tasks where id = any($1)`,
      [made.map(({ task }) => task.id)],
    )
    return rows[0]!.steps
  }
  const ended = async () => {
    const { rows } = await database.pool.query('select from tasks where finished_at is null')
    return rows.length === 0
  }
  for (let kill = 0; kill < kills && !(await ended()); kill++) {
    // Somewhere within the step after the next.
    const before = await progress()
    await until(async () => (await progress()) > before || ended())
    await sleep(Math.random() * 60)
    await server.kill()
    await server.restart()
  }
  await until(ended)
  for (const [place, { id }] of made.entries()) {
    expect(await call('GET', `/exports/${id}`)).toMatchObject({ state: 'done', rows: people })
    expect(await hashOf(id)).toBe(expected[place])
  }
}, 240_000)

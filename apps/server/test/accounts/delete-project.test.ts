import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../../../../testing/server.ts'
import { sweepDeletedProjects } from '../../src/accounts/delete-project.ts'
import { createProject } from '../../src/accounts/projects.ts'
import { ensurePartitions } from '../../src/audience/events/partitions.ts'
import { signIn } from './console-client.ts'

let server: TestServer
let clock = Date.now()
beforeAll(async () => {
  server = await startTestServer({ now: () => new Date(clock), config: { role: 'api' } })
})
afterAll(() => server.close())

async function countRows(projectId: number): Promise<Record<string, number>> {
  const { pool } = server.app
  const tables = await pool.query<{ name: string }>(
    `select table_name as name from information_schema.columns
     where column_name = 'project_id' and table_schema = current_schema()`,
  )
  const counts: Record<string, number> = {}
  for (const { name } of tables.rows) {
    const { rows } = await pool.query(`select count(*) from ${name} where project_id = $1`, [projectId])
    if (rows[0].count > 0) counts[name] = rows[0].count
  }
  return counts
}

/** More rows than one statement removes, in plain and partitioned tables. */
async function fill(projectId: number): Promise<void> {
  const { pool, queue } = server.app
  const day = new Date(clock).toISOString().slice(0, 10)
  await ensurePartitions(pool, [Date.UTC(1999, 0, 5)])
  await pool.query(
    `insert into people (project_id, external_id) select $1, 'p' || n from generate_series(1, 12000) as n`,
    [projectId],
  )
  await pool.query(
    `insert into events (project_id, person_id, id, name, folded_name, occurred_at)
     select $1, n, gen_random_uuid(), 'Seen', 'seen', '1999-01-05' from generate_series(1, 7000) as n`,
    [projectId],
  )
  await pool.query(`insert into counters (project_id, name, hour, value) values ($1, 'events', $2, 7000)`, [
    projectId,
    day,
  ])
  await queue.addMany([
    { lane: 'ingest', tenant: String(projectId), name: 'item', data: {} },
    { lane: 'bulk', tenant: String(projectId), name: 'later', data: {}, delayMs: 3_600_000 },
  ])
}

const waiting = async (projectId: number) =>
  (await server.app.queue.tenants(1_000)).filter(({ tenant }) => tenant === String(projectId))

test('a deleted project is gone at once, its rows and jobs soon after, and its neighbours stay', async () => {
  const owner = await signIn(server.app, server.url)
  const doomed = await createProject(server.app, { name: 'Doomed' })
  const { id } = doomed.project
  await fill(id)
  await fill(server.projectId)
  const before = await countRows(server.projectId)
  expect(Object.keys(await countRows(id))).toEqual(expect.arrayContaining(['people', 'events', 'api_keys']))

  expect((await owner.fetch(`/api/v1/projects/${id}`, { method: 'DELETE' })).status).toBe(202)
  expect((await owner.fetch(`/api/v1/projects/${id}/settings`)).status).toBe(404)
  expect((await owner.fetch(`/api/v1/projects/${id}`, { method: 'DELETE' })).status).toBe(404)
  const listed = (await (await owner.fetch('/api/v1/projects')).json()) as { items: { id: number }[] }
  expect(listed.items.map((project) => project.id)).toEqual([server.projectId])
  const withKey = await fetch(`${server.url}/api/v1/projects/${id}/settings`, {
    headers: { authorization: `Bearer ${doomed.secretKey}` },
  })
  expect(withKey.status).toBe(401)

  await expect.poll(() => countRows(id), { timeout: 30_000 }).toEqual({})
  await expect.poll(() => waiting(id), { timeout: 30_000 }).toEqual([])
  expect(await countRows(server.projectId)).toEqual(before)
  expect(await waiting(server.projectId)).toHaveLength(1)
})

test('what another process still wrote is found by a later sweep, which ends the project for good', async () => {
  const owner = await signIn(server.app, server.url)
  const { project } = await createProject(server.app, { name: 'Late writer' })
  expect((await owner.fetch(`/api/v1/projects/${project.id}`, { method: 'DELETE' })).status).toBe(202)
  const exists = async () =>
    (await server.app.pool.query('select 1 from projects where id = $1', [project.id])).rowCount === 1

  await server.app.pool.query(`insert into people (project_id, external_id) values ($1, 'late')`, [
    project.id,
  ])
  await sweepDeletedProjects(server.app)
  expect(await countRows(project.id)).toEqual({})
  expect(await exists()).toBe(true)

  await server.app.pool.query(`insert into people (project_id, external_id) values ($1, 'later')`, [
    project.id,
  ])
  clock += 60_000
  await sweepDeletedProjects(server.app)
  expect(await countRows(project.id)).toEqual({})
  expect(await exists()).toBe(false)
})

test('a stopped sweep is continued by the next', async () => {
  const { project } = await createProject(server.app, { name: 'Stopped' })
  await fill(project.id)
  await server.app.pool.query('update projects set deleted_at = $2 where id = $1', [
    project.id,
    new Date(clock),
  ])
  await expect(sweepDeletedProjects(server.app, { signal: AbortSignal.abort() })).rejects.toThrow(/abort/)
  expect((await countRows(project.id)).people).toBe(12_000)
  await sweepDeletedProjects(server.app)
  expect(await countRows(project.id)).toEqual({})
})

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../../../../../testing/server.ts'
import { createProject } from '../../../src/accounts/projects.ts'
import type { Overview } from '../../../src/operations/overview/overview.ts'
import type { QueueStatus } from '../../../src/operations/queue/queue-status.ts'
import { signIn } from '../../accounts/console-client.ts'

const hourMs = 3_600_000
let clock = Math.floor(Date.now() / hourMs) * hourMs + 600_000
const hoursAgo = (hours: number) => new Date(clock - hours * hourMs)

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ now: () => new Date(clock), config: { role: 'api' } })
})
afterAll(() => server.close())

let project: { id: number; secretKey: string }
beforeEach(async () => {
  const created = await createProject(server.app, { name: 'Shop' })
  project = { id: created.project.id, secretKey: created.secretKey }
})

async function get<T>(path: string): Promise<T> {
  const response = await fetch(`${server.url}/api/v1/projects/${project.id}${path}`, {
    headers: { authorization: `Bearer ${project.secretKey}` },
  })
  expect(response.status).toBe(200)
  return response.json() as Promise<T>
}

async function count(name: string, at: Date, value: number, projectId = project.id): Promise<void> {
  await server.app.pool.query(
    `insert into counters (project_id, name, hour, value) values ($1, $2, date_trunc('hour', $3::timestamptz, 'UTC'), $4)`,
    [projectId, name, at, value],
  )
}

async function addMessages(state: string, at: Date, amount: number, provider?: string): Promise<void> {
  await server.app.pool.query(
    `insert into messages (project_id, id, cause, class, state, created_at, provider)
     select $1, id, id::text, 'behavioral', $2, $3, $5
     from (select gen_random_uuid() as id from generate_series(1, $4::int)) as ids`,
    [project.id, state, at, amount, provider ?? null],
  )
}

describe('the overview', () => {
  test('of a new project is empty, with every hour and lane', async () => {
    const overview = await get<Overview>('/overview')
    expect(overview.series).toHaveLength(24)
    expect(overview.totals).toEqual({ people: 0, events: 0, sent: 0, kept: 0 })
    expect(overview.attention).toEqual([])
    expect(overview.queue.map(({ lane, waiting }) => ({ lane, waiting }))).toEqual(
      ['ingest', 'transactional', 'automation', 'bulk', 'webhooks'].map((lane) => ({ lane, waiting: 0 })),
    )
  })

  test('adds up events and messages by hour, of this project and range only', async () => {
    await count('events', hoursAgo(0), 5)
    await count('events', hoursAgo(23), 7)
    await count('events', hoursAgo(24), 11)
    await count('other', hoursAgo(0), 13)
    await count('events', hoursAgo(0), 17, server.projectId)
    await addMessages('sent', hoursAgo(0), 3)
    await addMessages('sent', hoursAgo(0), 2, 'sandbox')
    await addMessages('failed', hoursAgo(1), 2)
    await addMessages('unknown', hoursAgo(1), 1)
    await addMessages('skipped', hoursAgo(2), 4)
    await addMessages('sent', hoursAgo(30), 9)

    const { series, totals, messageStates, attention } = await get<Overview>('/overview?hours=24')
    expect(series.at(-1)).toEqual({
      at: hoursAgo(10 / 60).toISOString(),
      events: 5,
      sent: 3,
      kept: 2,
      failed: 0,
    })
    expect(series.at(-2)).toMatchObject({ events: 0, sent: 0, failed: 2 })
    expect(series[0]).toMatchObject({ events: 7 })
    expect(totals).toEqual({ people: 0, events: 12, sent: 3, kept: 2 })
    expect(messageStates).toEqual({
      pending: 0,
      claimed: 0,
      sent: 3,
      kept: 2,
      failed: 2,
      skipped: 4,
      unknown: 1,
    })
    expect(attention).toEqual([
      { kind: 'messages_failed', count: 2, title: '2 messages failed for good in this range.' },
      expect.objectContaining({ kind: 'messages_unknown', count: 1 }),
    ])
    expect((await get<Overview>('/overview?hours=48')).totals).toMatchObject({ events: 23, sent: 12 })
  })

  test('counts people exactly while they are few, and by estimate when they are many', async () => {
    await server.app.pool.query(
      'insert into people (project_id, external_id) select $1, n::text from generate_series(1, 9999) as n',
      [project.id],
    )
    expect((await get<Overview>('/overview')).totals.people).toBe(9_999)
    await server.app.pool.query(
      'insert into people (project_id, external_id) select $1, n::text from generate_series(10000, 30000) as n',
      [project.id],
    )
    await server.app.pool.query('analyze people')
    const { people } = (await get<Overview>('/overview?hours=25')).totals
    expect(people).toBeGreaterThan(20_000)
    expect(people).toBeLessThan(45_000)
  })

  test('shows waiting, delayed and dead work, and what was rejected', async () => {
    const tenant = String(project.id)
    const job = { lane: 'ingest', tenant, name: 'item', data: {} }
    await server.app.queue.addMany([job, job, job, { ...job, tenant: String(server.projectId) }])
    clock += 400_000
    await count('rejected', hoursAgo(0), 1)
    const { queue, attention } = await get<Overview>('/overview')
    expect(queue[0]).toMatchObject({ lane: 'ingest', waiting: 3, oldestAgeMs: expect.any(Number) })
    expect(queue[0]!.oldestAgeMs).toBeGreaterThanOrEqual(400_000)
    expect(attention).toEqual([
      { kind: 'items_rejected', count: 1, title: '1 accepted item could not be processed.' },
      expect.objectContaining({ kind: 'work_delayed', count: 1 }),
    ])
  })

  test.each(['0', '721', 'x', '-1'])('refuses %s hours, naming the field', async (hours) => {
    const response = await fetch(`${server.url}/api/v1/projects/${project.id}/overview?hours=${hours}`, {
      headers: { authorization: `Bearer ${project.secretKey}` },
    })
    expect(response.status).toBe(422)
    expect(await response.json()).toMatchObject({ field: 'hours' })
  })
})

test('rejects are listed newest first, page by page', async () => {
  await server.app.pool.query(
    `insert into ingest_rejects (project_id, reason, item)
     select $1, 'reason ' || n, jsonb_build_object('n', n) from generate_series(1, 5) as n`,
    [project.id],
  )
  type Page = { items: { reason: string; item: { n: number } }[]; nextCursor: string | null }
  const seen: number[] = []
  let cursor: string | null = ''
  while (cursor !== null) {
    const page: Page = await get<Page>(`/rejects?limit=2${cursor && `&cursor=${cursor}`}`)
    seen.push(...page.items.map(({ item }) => item.n))
    cursor = page.nextCursor
  }
  expect(seen).toEqual([5, 4, 3, 2, 1])
})

test("the queue shows every lane, and only the caller's projects", async () => {
  const owner = await signIn(server.app, server.url)
  await server.app.pool.query(
    `insert into organizations (id, name, slug) values ('elsewhere', 'Elsewhere', 'elsewhere') on conflict do nothing`,
  )
  const hidden = await createProject(server.app, { name: 'Hidden', organizationId: 'elsewhere' })
  for (const id of [project.id, hidden.project.id]) {
    await server.app.queue.add({ lane: 'bulk', tenant: String(id), name: 'x', data: {} })
  }
  clock += 10_000
  expect((await fetch(`${server.url}/api/v1/queue`)).status).toBe(401)
  const status = (await (await owner.fetch('/api/v1/queue')).json()) as QueueStatus
  expect(status.lanes.find(({ lane }) => lane === 'bulk')).toMatchObject({ waiting: 2, projects: 2 })
  const bulk = status.projects.filter(({ lane }) => lane === 'bulk')
  expect(bulk).toEqual([
    expect.objectContaining({ projectId: project.id, name: 'Shop', waiting: 1, weight: 1 }),
  ])
})

import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../../../../testing/server.ts'
import { ensurePartitions } from '../../src/audience/events/partitions.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ config: { role: 'api' } })
})
afterAll(() => server.close())

const maxReplyBytes = 1_100_000

interface Reply {
  items: Record<string, unknown>[]
  nextCursor: string | null
}

/** Every page of a list, and that none is larger than it may be, unless it is one item. */
async function readWhole(path: string, limit = 100, more = '') {
  const pages: Reply['items'][] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const query = `${more}&limit=${limit}${cursor && `&cursor=${encodeURIComponent(cursor)}`}`
    const reply = await fetch(`${server.url}/api/v1/projects/${server.projectId}${path}?${query}`, {
      headers: { authorization: `Bearer ${server.secretKey}` },
    })
    const text = await reply.text()
    expect(reply.status, text.slice(0, 500)).toBe(200)
    const page = JSON.parse(text) as Reply
    if (page.items.length > 1) expect(Buffer.byteLength(text)).toBeLessThan(maxReplyBytes)
    expect(page.items.length).toBeLessThanOrEqual(limit)
    pages.push(page.items)
    cursor = page.nextCursor
  }
  return pages
}

const insert = (sql: string, ...values: unknown[]) =>
  server.app.pool.query(sql, [server.projectId, ...values])
const ids = (pages: Reply['items'][]) => pages.flat().map(({ id }) => id)

test('a page of templates is bounded in bytes, and holds at least one', async () => {
  await insert(
    `insert into templates (project_id, name, html) select $1, 'small ' || n, 'x' from generate_series(1, 20) n`,
  )
  await insert(
    `insert into templates (project_id, name, html) select $1, 'large ' || n, repeat('é', 980000) from generate_series(1, 3) n`,
  )
  await insert(
    `insert into templates (project_id, name, html) select $1, 'middle ' || n, repeat('é', 150000) from generate_series(1, 7) n`,
  )
  const pages = await readWhole('/templates')
  expect(pages.map((items) => items.length)).toEqual([3, 3, 1, 1, 1, 1, 20])
  expect(ids(pages)).toEqual([...ids(pages)].sort((a, b) => Number(b) - Number(a)))
  expect(new Set(ids(pages)).size).toBe(30)
  expect(pages[3]![0]).toMatchObject({ html: 'é'.repeat(980_000) })
  expect((await readWhole('/templates', 1)).length).toBe(30)
})

test('so is a page of segments, campaigns, people, events, timelines, imports and rejected rows', async () => {
  const large = (n: number) => JSON.stringify({ kind: 'all', note: 'é'.repeat(n) })
  await insert(
    `insert into segments (project_id, name, kind, conditions, created_at, updated_at)
     select $1, 'Segment ' || chr(65 + n), 'dynamic', $2, now(), now() from generate_series(1, 8) n`,
    large(150_000),
  )
  await insert(
    `insert into campaigns (project_id, name, state, trigger_event, folded_trigger, wait, conditions, template_id)
     select $1, 'Campaign', 'off', 'e', 'e', '{"kind":"immediately"}', $2, 1 from generate_series(1, 8)`,
    large(150_000),
  )
  await insert(
    `insert into people (project_id, external_id, email, properties)
     select $1, 'p' || n, 'p' || n || '@x.example', $2 from generate_series(1, 8) n`,
    large(150_000),
  )
  const [{ id: person }] = (
    await insert(`select id from people where project_id = $1 and external_id = 'p1'`)
  ).rows as [{ id: number }]
  await ensurePartitions(server.app.pool, [Date.now()])
  await insert(
    `insert into events (project_id, id, name, folded_name, person_id, properties, occurred_at, received_at)
     select $1, gen_random_uuid(), 'e', 'e', $2, $3, now(), now() from generate_series(1, 80)`,
    person,
    large(15_000),
  )
  await insert(
    `insert into ingest_rejects (project_id, at, reason, item) select $1, now(), 'no', $2 from generate_series(1, 80)`,
    large(15_000),
  )
  const segment = (
    await insert(
      `insert into segments (project_id, name, kind, created_at, updated_at) values ($1, 'By hand', 'manual', now(), now()) returning id`,
    )
  ).rows[0].id
  await insert(
    `insert into segment_members (project_id, segment_id, person_id, entered_at)
     select $1, $2, id, now() from people where project_id = $1`,
    segment,
  )
  await insert(
    `insert into import_rejects (project_id, import_id, position, line, reason, cells)
     select $1, $2, n, n, 'no', array_fill(repeat('é', 5000), array[30]) from generate_series(1, 8) n`,
    (
      await insert(
        `insert into imports (project_id, kind, name, state, given, created_at)
         values ($1, 'people', 'people.csv', 'done', '{}', now()) returning id`,
      )
    ).rows[0].id,
  )
  const sizes = async (path: string) => (await readWhole(path)).map((items) => items.length)
  expect(await sizes('/segments')).toEqual([4, 3, 2])
  expect(await sizes('/campaigns')).toEqual([3, 3, 2])
  expect(await sizes('/people')).toEqual([3, 3, 2])
  expect(await sizes(`/segments/${segment}/members`)).toEqual([3, 3, 2])
  expect((await readWhole('/people', 100, 'search=p')).map((items) => items.length)).toEqual([3, 3, 2])
  expect(await sizes('/events')).toEqual([33, 33, 14])
  expect(await sizes(`/people/${person}/timeline`)).toEqual([33, 33, 14])
  expect(await sizes('/rejects')).toEqual([33, 33, 14])
  expect(await sizes('/imports/1/rejects')).toEqual([3, 3, 2])
})

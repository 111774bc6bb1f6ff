import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../../../../testing/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ config: { role: 'api' } })
})
afterAll(() => server.close())

const mostReplyBytes = 1_100_000

interface Reply {
  items: Record<string, unknown>[]
  nextCursor: string | null
}

/** Every page of a list, and that none is larger than it may be, unless it is one item. */
async function readWhole(path: string, limit = 100) {
  const pages: Reply['items'][] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const query = `limit=${limit}${cursor && `&cursor=${encodeURIComponent(cursor)}`}`
    const reply = await fetch(`${server.url}/api/v1/projects/${server.projectId}${path}?${query}`, {
      headers: { authorization: `Bearer ${server.secretKey}` },
    })
    const text = await reply.text()
    expect(reply.status, text.slice(0, 500)).toBe(200)
    const page = JSON.parse(text) as Reply
    if (page.items.length > 1) expect(Buffer.byteLength(text)).toBeLessThan(mostReplyBytes)
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

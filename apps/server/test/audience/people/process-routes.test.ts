import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type Bench,
  event,
  identify,
  merge,
  remove,
  start,
  startBench,
} from '../../ingest/process-support.ts'

let now = start + 3_600_000
let bench: Bench

beforeAll(async () => {
  bench = await startBench(() => new Date(now++))
})
afterAll(() => bench?.close())

async function call(method: string, path: string, body?: unknown) {
  const response = await fetch(`${bench.url}/api/v1/projects/${bench.projectId}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${bench.secretKey}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    body: body === undefined ? undefined : JSON.stringify(body),
  })
  const text = await response.text()
  // biome-ignore lint/suspicious/noExplicitAny: whatever the server answers
  return { status: response.status, body: text === '' ? undefined : (JSON.parse(text) as any) }
}

/** Follows the cursors to the end. */
async function all(path: string, limit: number) {
  const items: unknown[] = []
  for (let cursor = ''; ; ) {
    const { status, body } = await call(
      'GET',
      `${path}${path.includes('?') ? '&' : '?'}limit=${limit}${cursor}`,
    )
    expect(status).toBe(200)
    expect(body.items.length).toBeLessThanOrEqual(limit)
    items.push(...body.items)
    if (body.nextCursor === null) return items
    cursor = `&cursor=${body.nextCursor}`
  }
}

describe('people', () => {
  it('are created and updated, and read back', async () => {
    const created = await call('PUT', '/people/id:42', {
      email: 'ann@b.co',
      properties: { plan: 'free', n: 1 },
    })
    expect(created).toMatchObject({
      status: 200,
      body: {
        externalId: '42',
        provisional: false,
        email: 'ann@b.co',
        properties: { plan: 'free', n: 1 },
        aliases: [],
        suppressed: null,
      },
    })
    const { id } = created.body
    const updated = await call('PATCH', `/people/${id}`, { properties: { plan: 'pro', n: null } })
    expect(updated.body).toMatchObject({ id, email: 'ann@b.co', properties: { plan: 'pro' } })
    expect(await call('GET', '/people/id:42')).toEqual({ status: 200, body: updated.body })
  })

  it('answer 404 and 422 with the reason', async () => {
    expect(await call('GET', '/people/id:nobody')).toMatchObject({ status: 404 })
    expect(await call('PATCH', '/people/id:nobody', { email: 'a@b.co' })).toMatchObject({ status: 404 })
    expect(await call('PUT', '/people/999999', {})).toMatchObject({ status: 404 })
    expect(await call('GET', '/people/someone')).toMatchObject({ status: 422, body: { field: 'person' } })
    expect(await call('PUT', '/people/id:1', { email: 'not an address' })).toMatchObject({ status: 422 })
    expect(await call('PUT', '/people/id:1', { emial: 'a@b.co' })).toMatchObject({ status: 422 })
    expect(await call('PUT', '/people/id:1', { properties: { x: 'a\u0000b' } })).toMatchObject({
      status: 400,
    })
    expect(await call('GET', '/people?cursor=nonsense')).toMatchObject({
      status: 422,
      body: { field: 'cursor' },
    })
    expect(await call('GET', `/people/id:${encodeURIComponent('a/b?c')}`)).toMatchObject({ status: 404 })
  })

  it('are tagged, unsubscribed, suppressed, and back', async () => {
    await call('PUT', '/people/id:s', { email: 'S@b.co' })
    expect((await call('POST', '/people/id:s/tags', { add: ['a', 'b'], remove: ['x'] })).body.tags).toEqual([
      'a',
      'b',
    ])
    expect((await call('POST', '/people/id:s/tags', { remove: ['a'] })).body.tags).toEqual(['b'])
    expect((await call('POST', '/people/id:s/unsubscribe')).body.subscribed).toBe(false)
    expect((await call('POST', '/people/id:s/subscribe')).body.subscribed).toBe(true)
    expect((await call('POST', '/people/id:s/suppress')).body.suppressed).toMatchObject({ reason: 'api' })
    expect((await call('POST', '/people/id:s/unsuppress')).body.suppressed).toBeNull()
  })

  it('are merged and erased', async () => {
    await call('PUT', '/people/id:from', { properties: { a: 1 } })
    const into = await call('PUT', '/people/id:into', { properties: { b: 2 } })
    const merged = await call('POST', '/people/id:into/merge', { from: 'id:from' })
    expect(merged.body).toMatchObject({
      id: into.body.id,
      properties: { a: 1, b: 2 },
      aliases: [{ alias: 'from', kind: 'external' }],
    })
    expect((await call('GET', '/people/id:from')).body.id).toBe(into.body.id)
    expect(await call('DELETE', '/people/id:from')).toMatchObject({
      status: 200,
      body: { removed: { people: 1 } },
    })
    expect(await call('GET', '/people/id:into')).toMatchObject({ status: 404 })
    const visitors = [{ anonymousId: 'v1' }, { anonymousId: 'v2' }]
    await bench.process(...visitors.map((visitor, i) => event(visitor, i)))
    const ids = await bench.rows<{ id: number }>(
      'select id from people where anonymous_id = any($1) order by 1',
      ['v1', 'v2'],
    )
    expect(await call('POST', `/people/${ids[0]!.id}/merge`, { from: String(ids[1]!.id) })).toMatchObject({
      status: 200,
    })
  })

  it('are listed by pages and found by the beginning of an id or address', async () => {
    const people = Array.from({ length: 23 }, (_, i) =>
      identify(`List_${String(i).padStart(2, '0')}`, i, { email: `list%${i}@B.co` }),
    )
    await bench.process(...people, identify('ListX', 0), identify('other', 0, { email: 'LIST%@b.co' }))
    const ids = async (search: string, limit: number) =>
      (await all(`/people?search=${encodeURIComponent(search)}`, limit)).map(
        (person) => (person as { externalId: string }).externalId,
      )
    expect(await ids('List_', 5)).toEqual(people.map(({ person }) => person.id))
    expect(new Set(await ids('list%', 7)).size).toBe(24)
    expect(await ids('LIST%1@', 7)).toEqual(['List_01'])
    const everybody = await all('/people', 10)
    expect(new Set(everybody.map((person) => (person as { id: number }).id)).size).toBe(everybody.length)
    const changed = everybody.map((person) => (person as { updatedAt: string }).updatedAt)
    expect(changed).toEqual([...changed].sort().reverse())
  })
})

describe('a timeline', () => {
  it('tells events, messages and changes in one order, page by page', async () => {
    await bench.process(identify('t', 0, { properties: { n: 0 } }))
    for (let i = 1; i < 8; i++) {
      // Many at the same moment, so that pages end between them.
      const at = 1_000 * Math.ceil(i / 3)
      await bench.process(
        identify('t', at + i, { properties: { n: i } }),
        event('t', at, { name: `e${i}`, properties: { i } }),
      )
      await bench.rows(
        `insert into messages (project_id, id, cause, class, person_id, created_at, reason)
         select $1, gen_random_uuid(), $2, 'behavioral', id, $3, 'r' from people where project_id = $1 and external_id = 't'`,
        bench.projectId,
        `timeline ${i}`,
        new Date(start + at),
      )
    }
    const whole = (await call('GET', '/people/id:t/timeline?limit=100')).body
    expect(whole.nextCursor).toBeNull()
    expect(whole.items).toHaveLength(21)
    const times = whole.items.map((entry: { at: string }) => entry.at)
    expect(times).toEqual([...times].sort().reverse())
    for (const limit of [1, 2, 5, 20]) expect(await all('/people/id:t/timeline', limit)).toEqual(whole.items)

    const kinds = (kind: string) => whole.items.find((entry: { kind: string }) => entry.kind === kind)
    expect(kinds('event')).toMatchObject({ name: 'e7', properties: { i: 7 }, source: 'test' })
    expect(kinds('change')).toMatchObject({
      change: 'updated',
      detail: { properties: { n: { from: 6, to: 7 } } },
    })
    expect(kinds('message')).toMatchObject({
      state: 'pending',
      reason: 'r',
      class: 'behavioral',
      subject: null,
    })
  })
})

describe('events', () => {
  it('are listed newest first, by name in any spelling, and by person', async () => {
    await bench.process(
      ...Array.from({ length: 12 }, (_, i) =>
        event(`e${i % 3}`, Math.floor(i / 4), { name: i % 2 ? 'Even_Odd' : 'x' }),
      ),
    )
    const named = await all('/events?name=even-ODD', 4)
    expect(named).toHaveLength(6)
    expect(named[0]).toMatchObject({
      name: 'Even_Odd',
      person: { externalId: expect.stringMatching(/^e\d$/) },
    })
    const { body } = await call('GET', '/people/id:e1')
    expect(await all(`/events?person=${body.id}`, 3)).toHaveLength(4)
    expect(await call('GET', '/events?limit=1000')).toMatchObject({ status: 422 })
  })

  it('are counted by the hour', async () => {
    const project = await bench.newProject()
    const dedupe = { key: 'k', windowMs: 10_000 }
    await project.process(
      event('1', 0, { dedupe }),
      event('1', 1, { dedupe }),
      identify('1', 2),
      merge('1', '2', 3),
      remove('9', 4),
    )
    const { countByHour } = await import('../../../src/audience/events/list.ts')
    expect(await countByHour(project.app, project.projectId, 24)).toEqual([
      { at: new Date(start), counts: { events: 1, duplicates: 1, identifies: 1, merges: 1, deletes: 1 } },
    ])
    expect((await call('GET', '/events/counts')).body.items.length).toBeGreaterThan(0)
  })
})

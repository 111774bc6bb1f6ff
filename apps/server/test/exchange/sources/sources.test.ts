import { createConnection } from 'mysql2/promise'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { hasMariadb, type Mariadb, startMariadb } from '../../../../../testing/mariadb.ts'
import { createTestDatabase, type TestDatabase } from '../../../../../testing/postgres.ts'
import { wakeSources } from '../../../src/exchange/sources/run.ts'
import { type Exporter, startExporter } from '../exports/support.ts'

const minuteMs = 60_000
let now = new Date('2026-06-01T12:00:00.000Z')
let server: Exporter
/** The other database. */
let shop: TestDatabase

beforeAll(async () => {
  server = await startExporter(() => now, { allowPrivateNetworks: true })
  shop = await createTestDatabase({ migrate: false })
  await shop.pool.query('create table users (id bigint, email text, plan text, changed timestamptz)')
})
afterAll(async () => {
  await server?.close()
  await shop?.drop()
})
beforeEach(async () => {
  await shop.pool.query('delete from users')
  await server.sql('delete from sources')
  await server.sql('delete from people')
})

const source = (more: object = {}) => ({
  name: 'Shop',
  kind: 'postgres',
  url: shop.url,
  query: 'select id, email, plan, changed from users',
  cursorColumn: 'changed',
  everyMinutes: 10,
  import: {
    kind: 'people',
    mapping: {
      id: { to: 'id' },
      email: { to: 'email' },
      plan: { to: 'property:plan', type: 'text' },
      changed: { to: 'ignore' },
    },
  },
  ...more,
})

async function create(more: object = {}): Promise<number> {
  const { status, text, body } = await server.call('POST', '/sources', source(more))
  if (status !== 201) throw new Error(text)
  return body.id
}

const get = async (id: number) => (await server.call('GET', `/sources/${id}`)).body
const add = (id: number, changed: string, plan = 'free') =>
  shop.pool.query('insert into users values ($1, $2, $3, $4)', [id, `p${id}@example.com`, plan, changed])

/** Ticks and works tasks until nothing is left to do. */
async function settle(): Promise<void> {
  for (let quiet = 0; quiet < 2; ) {
    await wakeSources(server.app)
    const open = await server.sql<{ id: number }>(
      `select id from tasks where project_id = $1 and finished_at is null order by id`,
      server.projectId,
    )
    for (const { id } of open) await server.work(id)
    quiet = open.length === 0 ? quiet + 1 : 0
  }
}

async function run(id: number) {
  expect((await server.call('POST', `/sources/${id}/run`)).status).toBe(202)
  await settle()
  return (await get(id)).lastRun
}

const people = () =>
  server.sql<{ id: string; plan: string }>(
    `select external_id as id, properties ->> 'plan' as plan from people where project_id = $1 order by 1`,
    server.projectId,
  )

describe('a source', () => {
  it('tells everything but its URL', async () => {
    const id = await create()
    const shown = await get(id)
    expect(shown).toEqual({
      id,
      name: 'Shop',
      kind: 'postgres',
      host: new URL(shop.url).hostname,
      query: 'select id, email, plan, changed from users',
      cursorColumn: 'changed',
      cursor: null,
      everyMinutes: 10,
      import: source().import,
      nextRunAt: new Date(now.getTime() + 10 * minuteMs).toISOString(),
      lastRun: null,
      createdAt: now.toISOString(),
      updatedAt: now.toISOString(),
    })
    const { body } = await server.call('GET', '/sources')
    expect(body.items).toEqual([shown])
    const [{ stored }] = (await server.sql(`select encode(url, 'escape') as stored from sources`)) as [
      { stored: string },
    ]
    expect(stored).not.toContain(new URL(shop.url).password)
  })

  it('imports what is new, run by run', async () => {
    const id = await create()
    await add(1, '2026-05-01')
    await add(2, '2026-05-02')
    expect(await run(id)).toMatchObject({ state: 'done', rows: 2, error: null, import: expect.any(Number) })
    expect(await people()).toEqual([
      { id: '1', plan: 'free' },
      { id: '2', plan: 'free' },
    ])
    expect((await get(id)).cursor).toBe('2026-05-02 00:00:00+00')

    // Nothing new: no import.
    now = new Date(now.getTime() + minuteMs)
    expect(await run(id)).toMatchObject({ state: 'done', rows: 0, import: null })

    // Committed late with the value that was the last one, and a change of a row that was read.
    await add(3, '2026-05-02')
    await shop.pool.query(`update users set plan = 'pro', changed = '2026-05-03' where id = 1`)
    now = new Date(now.getTime() + minuteMs)
    expect(await run(id)).toMatchObject({ state: 'done', rows: 2 })
    expect(await people()).toEqual([
      { id: '1', plan: 'pro' },
      { id: '2', plan: 'free' },
      { id: '3', plan: 'free' },
    ])
  })

  it('rejects rows whose id is none', async () => {
    const id = await create({
      cursorColumn: null,
      query: `select id, null as email, null as plan, null as changed
        from unnest(array['null', 'None', 'NaN', '0', 'real', '[object Object]']) as u (id)`,
    })
    const { import: made, rows } = await run(id)
    expect(rows).toBe(6)
    expect(await people()).toEqual([{ id: 'real', plan: null }])
    const { items } = (await server.call('GET', `/imports/${made}/rejects`)).body
    expect(items).toHaveLength(5)
    for (const { reason } of items) expect(reason).toContain('no id: programs send it')
  })

  it('neither loses nor doubles rows that share a value, even equal ones', async () => {
    const id = await create({
      query: 'select email, plan, changed from users',
      import: {
        kind: 'events',
        mapping: { email: { to: 'email' }, plan: { to: 'event' }, changed: { to: 'time' } },
      },
    })
    const bought = async (times: number) => {
      for (let n = 0; n < times; n++)
        await shop.pool.query(`insert into users values (1, 'ann@example.com', 'Bought', '2026-05-02')`)
    }
    await bought(2)
    expect(await run(id)).toMatchObject({ rows: 2 })
    await bought(1)
    expect(await run(id)).toMatchObject({ rows: 1 })
    expect(await run(id)).toMatchObject({ rows: 0 })
  })

  it('begins again when told to, or when it goes on by another column', async () => {
    const id = await create()
    await add(1, '2026-05-01')
    await run(id)
    expect((await server.call('PATCH', `/sources/${id}`, { name: 'Store' })).body).toMatchObject({
      name: 'Store',
      cursor: '2026-05-01 00:00:00+00',
    })
    expect((await server.call('PATCH', `/sources/${id}`, { cursor: null })).body.cursor).toBeNull()
    expect(await run(id)).toMatchObject({ rows: 1 })
    expect((await server.call('PATCH', `/sources/${id}`, { cursorColumn: 'id' })).body.cursor).toBeNull()
    expect(await run(id)).toMatchObject({ rows: 1 })
    expect((await get(id)).cursor).toBe('1')
  })

  it('reads everything each time without a cursor column', async () => {
    const id = await create({ cursorColumn: null })
    await add(1, '2026-05-01')
    expect(await run(id)).toMatchObject({ rows: 1 })
    expect(await run(id)).toMatchObject({ rows: 1 })
  })

  it('runs when it is due, once, whoever looks', async () => {
    const id = await create()
    await add(1, '2026-05-01')
    await Promise.all([wakeSources(server.app), wakeSources(server.app)])
    expect((await get(id)).lastRun).toBeNull()
    now = new Date(now.getTime() + 10 * minuteMs)
    await Promise.all([wakeSources(server.app), wakeSources(server.app), wakeSources(server.app)])
    const tasks = await server.sql(`select from tasks where kind = 'source_fetch' and state = 'waiting'`)
    expect(tasks).toHaveLength(1)
    expect((await get(id)).nextRunAt).toBe(new Date(now.getTime() + 10 * minuteMs).toISOString())
    expect((await server.call('POST', `/sources/${id}/run`)).status).toBe(409)
    await settle()
    expect((await get(id)).lastRun).toMatchObject({ state: 'done', rows: 1 })
    // Without a schedule only when asked.
    await server.call('PATCH', `/sources/${id}`, { everyMinutes: null })
    now = new Date(now.getTime() + 100 * minuteMs)
    await settle()
    expect((await get(id)).nextRunAt).toBeNull()
  })

  it('waits while two others of the project are being read', async () => {
    const ids = [await create(), await create(), await create()]
    const states = async () => Promise.all(ids.map(async (id) => (await get(id)).lastRun?.state ?? null))
    now = new Date(now.getTime() + 10 * minuteMs)
    await wakeSources(server.app)
    await wakeSources(server.app)
    expect((await states()).filter((state) => state === 'fetching')).toHaveLength(2)
    const waiting = ids[(await states()).indexOf(null)]!
    expect((await server.call('POST', `/sources/${waiting}/run`)).status).toBe(202)
    expect((await get(waiting)).lastRun).toBeNull()
    await settle()
    expect(await states()).toEqual(['done', 'done', 'done'])
  })

  it('keeps its cursor when the import fails, and goes on when the mapping is right', async () => {
    const wrong = { kind: 'people', mapping: { id: { to: 'nowhere' } } }
    const id = await create({ import: wrong })
    await add(1, '2026-05-01')
    const failed = await run(id)
    expect(failed.state).toBe('failed')
    expect(failed.error).toContain('mapping')
    expect((await get(id)).cursor).toBeNull()
    await server.call('PATCH', `/sources/${id}`, { import: source().import })
    expect(await run(id)).toMatchObject({ state: 'done', rows: 1 })
  })

  it('says why it could not be read', async () => {
    const id = await create({ query: 'select nothing from users' })
    expect(await run(id)).toMatchObject({ state: 'failed', error: expect.stringContaining('nothing') })
    await server.call('PATCH', `/sources/${id}`, { query: 'select id from users' })
    expect(await run(id)).toMatchObject({
      state: 'failed',
      error: 'The query has no column changed; it has id',
    })
  })

  it('can be removed while it runs', async () => {
    const id = await create()
    await server.call('POST', `/sources/${id}/run`)
    expect((await server.call('DELETE', `/sources/${id}`)).status).toBe(204)
    await settle()
    const [task] = await server.sql(`select state, message from tasks order by id desc limit 1`)
    expect(task).toEqual({ state: 'failed', message: 'The source was deleted' })
    expect((await server.call('GET', `/sources/${id}`)).status).toBe(404)
  })
})

describe('reading that is interrupted', () => {
  const many = () =>
    shop.pool.query(
      `insert into users select n, 'p' || n || '@example.com', 'free', '2026-05-01'::timestamptz + (n / 700) * interval '1 day'
       from generate_series(1, 5000) n`,
    )
  /** Works steps of the fetch task, each in a session of its own, as if the process died after every one. */
  const interrupted = async (id: number) => {
    await server.call('POST', `/sources/${id}/run`)
    const { task } = (await get(id)).lastRun
    return task as number
  }

  it('goes on behind the last row, with a cursor column', async () => {
    await many()
    const id = await create()
    const task = await interrupted(id)
    await server.breakAfter(task, 2)
    await server.breakAfter(task, 1)
    await server.work(task)
    await settle()
    expect((await get(id)).lastRun).toMatchObject({ state: 'done', rows: 5_000 })
    const [{ rows }] = (await server.sql(
      `select (counts ->> 'rows')::int as rows from imports order by id desc`,
    )) as [{ rows: number }]
    expect(rows).toBe(5_000)
    expect(await people()).toHaveLength(5_000)
  })

  it('begins again without one, and nothing is doubled', async () => {
    await many()
    const id = await create({ cursorColumn: null })
    const task = await interrupted(id)
    await server.breakAfter(task, 2)
    await server.work(task)
    await settle()
    expect((await get(id)).lastRun).toMatchObject({ state: 'done', rows: 5_000 })
    expect((await server.call('GET', `/tasks/${task}`)).body.done).toBe(5_000)
    expect(await people()).toHaveLength(5_000)
  })
})

// Debian's mariadb-server-core is all that is needed.
describe.skipIf(!hasMariadb())('a source in MariaDB', () => {
  let mariadb: Mariadb
  beforeAll(async () => {
    mariadb = await startMariadb()
  })
  afterAll(() => mariadb?.stop())

  it('imports what is new, run by run', async () => {
    const connection = await createConnection(mariadb.url)
    await connection.query(`set time_zone = '+00:00'`)
    await connection.query('create table users (id bigint, email text, plan text, changed timestamp(6))')
    const insert = (id: number, plan: string) =>
      connection.query(`insert into users values (?, ?, ?, '2026-05-02 10:00:00.5')`, [
        id,
        `p${id}@example.com`,
        plan,
      ])
    await insert(1, 'free')
    await insert(2, 'pro')
    const id = await create({ kind: 'mysql', url: mariadb.url })
    expect(await run(id)).toMatchObject({ state: 'done', rows: 2, error: null })
    expect((await get(id)).cursor).toBe('2026-05-02 10:00:00.500000')
    await insert(3, 'free')
    expect(await run(id)).toMatchObject({ state: 'done', rows: 1 })
    expect(await people()).toEqual([
      { id: '1', plan: 'free' },
      { id: '2', plan: 'pro' },
      { id: '3', plan: 'free' },
    ])
    await connection.end()
  })
})

describe('a test', () => {
  it('answers the columns and the first rows', async () => {
    for (let n = 1; n <= 30; n++) await add(n, '2026-05-01')
    const { kind, url, query } = source()
    const { body } = await server.call('POST', '/sources/test', { kind, url, query: `${query} order by id` })
    expect(body.columns).toContainEqual({ name: 'changed', type: 'timestamp with time zone' })
    expect(body.rows).toHaveLength(20)
    expect(body.rows[0]).toEqual({
      id: 1,
      email: 'p1@example.com',
      plan: 'free',
      changed: '2026-05-01T00:00:00+00:00',
    })
    const id = await create()
    const stored = await server.call('POST', '/sources/test', {
      source: id,
      query: 'select 1 as one',
      cursorColumn: null,
    })
    expect(stored.body.rows).toEqual([{ one: 1 }])
  })

  it.each([
    [{ query: 'delete from users' }, 'source_failed', 'query'],
    [{ query: 'select nothing from users' }, 'source_failed', 'query'],
    [{ cursorColumn: 'plan' }, 'source_failed', 'cursorColumn'],
    [{ url: 'postgres://a:b@127.0.0.1:1/c' }, 'source_failed', 'url'],
    [{ url: 'http://example.com' }, 'invalid_field', 'url'],
    [{ url: 'postgres://a:b@h/c?host=/tmp' }, 'invalid_field', 'url'],
    [{ url: 'mysql://a:b@h/c' }, 'invalid_field', 'url'],
    [{ kind: 'oracle' }, 'invalid_field', 'kind'],
  ])('of %j says what to correct', async (change, code, field) => {
    const { kind, url, query } = source()
    const { status, body } = await server.call('POST', '/sources/test', { kind, url, query, ...change })
    expect({ status, code: body.code, field: body.field }).toEqual({ status: 422, code, field })
  })

  it.each([
    [{ url: 'postgres://h/c' }, 'url'],
    [{ query: 'update users set id = 1' }, 'query'],
    [{ everyMinutes: 0 }, 'everyMinutes'],
    [{ import: { kind: 'dreams' } }, 'import.kind'],
  ])('a source with %j is refused', async (change, field) => {
    const { status, body } = await server.call('POST', '/sources', source(change))
    expect(status).toBe(422)
    expect(body.field).toBe(field)
  })
})

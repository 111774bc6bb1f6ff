import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { pino } from 'pino'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createDataDir, removeDataDir } from '../../../../../testing/data-dir.ts'
import { createTestDatabase, type TestDatabase, testDatabaseUrl } from '../../../../../testing/postgres.ts'
import { openSilentProxy } from '../../../../../testing/silent-proxy.ts'
import { openTransactionPooler } from '../../../../../testing/transaction-pooler.ts'
import { until } from '../../../../../testing/until.ts'
import { createProject } from '../../../src/accounts/projects.ts'
import { maintainEvents } from '../../../src/audience/events/maintain.ts'
import { type Config, readConfig } from '../../../src/platform/config.ts'
import { checkDatabase } from '../../../src/platform/db/database.ts'
import { startServer } from '../../../src/server.ts'

/** Databases of others, as they are set up: what works works, and what can't is refused at start in a sentence. */
async function openDatabase(options: { migrate?: boolean } = {}): Promise<TestDatabase> {
  const database = await createTestDatabase(options)
  onTestFinished(() => database.drop())
  return database
}

async function start(databaseUrl: string, config: Partial<Config> = {}) {
  const dataDir = createDataDir()
  const server = await startServer(
    {
      ...readConfig({ FAIRWAY_PORT: '0', FAIRWAY_DATA_DIR: dataDir, DATABASE_URL: databaseUrl }),
      databaseConnections: 10,
      secret: 'of all servers on one database'.padEnd(32),
      ...config,
    },
    pino({ level: 'silent' }),
  )
  onTestFinished(async () => {
    await server.close()
    await removeDataDir(dataDir)
  })
  const { project, secretKey } = await createProject(server.app, { name: 'Test' })
  const call = (path: string, body?: object) =>
    fetch(`${server.url}${path}`, {
      method: body ? 'POST' : 'GET',
      headers: { authorization: `Bearer ${secretKey}`, 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    })
  return { ...server, project, secretKey, call }
}

async function openRole(database: TestDatabase, more = '') {
  const role = `role_${randomBytes(6).toString('hex')}`
  await database.pool.query(`create role ${role} login password 'secret' ${more}`)
  onTestFinished(async () => {
    await database.pool.query(`drop owned by ${role}; drop role ${role}`)
  })
  const url = new URL(database.url)
  url.username = role
  url.password = 'secret'
  return { role, url: url.href }
}

const nameOf = (database: TestDatabase) => new URL(database.url).pathname.slice(1)

describe('refused at start, with what to do', () => {
  it('a pooler that hands out connections by transaction', async () => {
    const pooler = await openTransactionPooler((await openDatabase({ migrate: false })).url)
    onTestFinished(pooler.close)
    await expect(checkDatabase(pooler.url)).rejects.toThrow(/pool_mode = session/)
  })

  it('a database that takes no writes', async () => {
    const database = await openDatabase({ migrate: false })
    await database.pool.query(`alter database ${nameOf(database)} set default_transaction_read_only to on`)
    await expect(checkDatabase(database.url)).rejects.toThrow(/read-only \(default_transaction_read_only\)/)
    // The test's own clean-up writes.
    await database.pool.query(`set default_transaction_read_only to off`)
  })

  it('a role that may not create what is missing', async () => {
    const database = await openDatabase({ migrate: false })
    await database.pool.query('revoke create on schema public from public')
    const { url } = await openRole(database)
    await expect(start(url)).rejects.toThrow(/GRANT CREATE ON DATABASE/)
  })
})

it('a database that is as it should be is not taken for one behind a pooler', async () => {
  await checkDatabase((await openDatabase({ migrate: false })).url)
})

it.each(['repeatable read', 'serializable'])('works where %s is the default', async (level) => {
  const database = await openDatabase()
  await database.pool.query(
    `alter database ${nameOf(database)} set default_transaction_isolation to '${level}'`,
  )
  const { app, call, project } = await start(database.url)
  const { rows } = await app.pool.query('show transaction_isolation')
  expect(rows[0].transaction_isolation).toBe('read committed')
  const replies = await Promise.all(
    Array.from({ length: 40 }, (_, n) =>
      call('/v1/track', { userId: `u${n % 3}`, event: 'Bought', properties: { n } }),
    ),
  )
  expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([200]))
  await until(async () => {
    const stored = await app.pool.query('select count(*) from events where project_id = $1', [project.id])
    return stored.rows[0].count === 40
  })
})

it('works where dates, intervals and bytes are written otherwise', async () => {
  const database = await openDatabase()
  const name = nameOf(database)
  await database.pool.query(`alter database ${name} set datestyle to 'German, DMY'`)
  await database.pool.query(`alter database ${name} set intervalstyle to 'iso_8601'`)
  await database.pool.query(`alter database ${name} set bytea_output to 'escape'`)
  const { app, call, project } = await start(database.url)
  expect((await call('/v1/track', { userId: 'u1', event: 'Bought' })).status).toBe(200)
  await until(
    async () =>
      (await app.pool.query('select from people where project_id = $1', [project.id])).rowCount === 1,
  )
  const people = await (await call(`/api/v1/projects/${project.id}/people`)).json()
  expect(Date.parse(people.items[0].createdAt)).toBeGreaterThan(1.7e12)
  expect((await call(`/api/v1/projects/${project.id}/overview`)).status).toBe(200)
})

it('a search_path without a schema is refused at start, with what to do', async () => {
  const database = await openDatabase({ migrate: false })
  await database.pool.query(`alter database ${nameOf(database)} set search_path to nowhere`)
  await expect(checkDatabase(database.url)).rejects.toThrow(/set search_path to one that is/)
})

it('a role that may create in the schema, but no schema, works where all is migrated', async () => {
  const database = await openDatabase()
  const owner = await start(database.url)
  await owner.close()
  const { role, url } = await openRole(database)
  await database.pool.query(`
    -- Until version 14 everybody may.
    revoke create on schema public from public;
    grant usage on schema fairway_queue to ${role};
    grant select, insert, update, delete on all tables in schema fairway_queue, public to ${role};
    grant usage on all sequences in schema fairway_queue, public to ${role}`)
  const { call, project, app } = await start(url)
  expect((await call('/healthz')).status).toBe(200)

  // What it may not do comes later: it is told long before.
  const reason = expect.stringMatching(
    new RegExp(
      `last until [0-9]{4}-[0-9]{2}-01, .*GRANT CREATE ON SCHEMA public TO ${role}; GRANT \\w+ TO ${role}\\.$`,
    ),
  )
  const ready = await call('/readyz')
  expect(ready.status).toBe(200)
  expect(await ready.json()).toEqual({ status: 'ok', warnings: [reason] })
  const overview = await (await call(`/api/v1/projects/${project.id}/overview?range=24h`)).json()
  expect(overview.attention).toEqual([
    { kind: 'events_not_stored_soon', count: 1, title: expect.stringContaining('GRANT') },
  ])
  // What is due beside it is still done.
  const later = new Date(Date.now() + 40 * 86_400_000)
  await database.pool.query(`insert into ingest_rejects (project_id, reason, item) values ($1, 'x', '{}')`, [
    project.id,
  ])
  await maintainEvents({ ...app, now: () => later })
  expect((await database.pool.query('select from ingest_rejects')).rowCount).toBe(0)
})

it('a frozen database: requests get 503 with Retry-After, /readyz says so, and both are well when it is back', async () => {
  const database = await openDatabase()
  const proxy = await openSilentProxy(database.url)
  onTestFinished(proxy.close)
  const { call, project } = await start(proxy.url, { role: 'api', databaseSeconds: 1 })
  const track = () => call('/v1/track', { userId: 'a', event: 'Bought' })
  const read = () => call(`/api/v1/projects/${project.id}/people`)
  expect((await track()).status).toBe(200)
  expect((await read()).status).toBe(200)
  proxy.freeze()
  for (const reply of await Promise.all([track(), read(), call('/readyz'), track(), read()])) {
    expect(reply.status).toBe(503)
    expect(Number(reply.headers.get('retry-after'))).toBeGreaterThan(0)
  }
  expect(await (await call('/readyz')).json()).toMatchObject({
    status: 'failing',
    reason: expect.any(String),
  })
  proxy.thaw()
  for (const well of [track, read, () => call('/readyz')]) await until(async () => (await well()).ok)
})

it('forgotten connections cost one deadline, and no request hangs', async () => {
  const database = await openDatabase()
  const proxy = await openSilentProxy(database.url)
  onTestFinished(proxy.close)
  const { call, project } = await start(proxy.url, { role: 'api', databaseSeconds: 1 })
  const read = () => call(`/api/v1/projects/${project.id}/people`)
  expect((await read()).status).toBe(200)
  proxy.forget()
  const replies = await Promise.all(Array.from({ length: 20 }, read))
  expect(replies.every(({ status }) => status === 200 || status === 503)).toBe(true)
  await until(async () => (await read()).ok)
})

it('a Turkish database: the queue finds dead letters by their reason in any case', async () => {
  const admin = new pg.Client({ connectionString: (await openDatabase({ migrate: false })).url })
  await admin.connect()
  onTestFinished(() => admin.end())
  // Before 15 no database could have such a locale as its own.
  const { rows } = await admin.query(
    `select 1 from pg_collation where collprovider = 'i' and current_setting('server_version_num')::int >= 150000 limit 1`,
  )
  if (rows.length === 0) return
  const name = `test_turkish_${process.pid}`
  await admin.query(
    `create database ${name} template template0 locale_provider icu icu_locale 'tr-TR' locale 'C' encoding 'UTF8'`,
  )
  const url = new URL(await testDatabaseUrl())
  url.pathname = `/${name}`
  onTestFinished(async () => {
    await admin.query(`drop database ${name} with (force)`)
  })
  await checkDatabase(url.href)
  const { app, close } = await start(url.href, { role: 'api' })
  app.queue.worker(
    {
      Deliver: () => {
        throw new Error('INVALID Istanbul ID')
      },
    },
    { lanes: { Items: {} }, retry: { maxAttempts: 1 } },
  )
  await app.queue.add({ lane: 'Items', tenant: 'TITLE', name: 'Deliver', data: 1 })
  await until(async () => (await app.queue.deadLetters({ tenant: 'TITLE' })).length === 1)
  for (const reason of ['invalid', 'INVALID', 'istanbul id'])
    expect(await app.queue.deadLetters({ reason }), reason).toHaveLength(1)
  await close()
})

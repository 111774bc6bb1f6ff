import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { testDatabaseUrl } from '../../../../testing/postgres.ts'
import { startTestServer, type TestServer } from '../../../../testing/server.ts'
import { until } from '../../../../testing/until.ts'
import { createSignInLink } from '../../src/accounts/sign-in-link.ts'
import { databaseError } from '../../src/platform/db/database-error.ts'

let server: TestServer
let database: string
beforeAll(async () => {
  server = await startTestServer({ config: { databaseConnections: 4 } })
  database = new URL(databaseUrl()).pathname.slice(1)
  await put('/people/id:ada', { email: 'ada@example.com' })
})
afterAll(() => server.close())
const recover = async () => {
  await asAdmin(`alter database ${database} reset all`)
  await throwEverybodyOut()
  await until(async () => (await get('/readyz')).status === 200)
}

const databaseUrl = () => (server.app.pool.options as { connectionString: string }).connectionString
const asAdmin = async (statement: string) => {
  const client = new pg.Client({ connectionString: await testDatabaseUrl() })
  await client.connect()
  await client.query(statement)
  await client.end()
}
const throwEverybodyOut = () =>
  asAdmin(`select pg_terminate_backend(pid) from pg_stat_activity where datname = '${database}'`)
/** For new connections, so the old ones are ended. */
const setForDatabase = async (setting: string) => {
  await asAdmin(`alter database ${database} set ${setting}`)
  await throwEverybodyOut()
}

async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(server.url + path, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    body: body === undefined ? undefined : JSON.stringify(body),
    redirect: 'manual',
  })
  const text = await response.text()
  const retryAfter = response.headers.get('retry-after')
  return { status: response.status, retryAfter, body: text.startsWith('{') ? JSON.parse(text) : text }
}
const get = (path: string) => call('GET', path)
const rest = (method: string, path: string, body?: unknown) =>
  call(method, `/api/v1/projects/${server.projectId}${path}`, body, {
    authorization: `Bearer ${server.secretKey}`,
  })
const put = (path: string, body: unknown) => rest('PUT', path, body)
const track = () =>
  call('POST', `/api/v2/events/track?auth_token=${server.trackingKey}`, {
    identity: { id: 'ada' },
    event_name: 'x',
  })

/** Connections broke just before: the first answers may still say that. */
const untilAnswered = async (ask: () => ReturnType<typeof call>, detail: RegExp) => {
  let reply = await ask()
  await until(async () => {
    reply = await ask()
    return detail.test(JSON.stringify(reply.body))
  })
  return reply
}
const temporary = { status: 503, retryAfter: expect.stringMatching(/^[1-9]\d*$/) }

/** Holds rows or a table until it is called. */
async function hold(statement: string): Promise<() => Promise<void>> {
  const client = new pg.Client({ connectionString: databaseUrl() })
  client.on('error', () => {})
  await client.connect()
  await client.query('begin')
  await client.query(statement)
  return async () => client.end().catch(() => {})
}

describe('a database that is read-only, as after a failover', () => {
  afterEach(recover)

  it('is a 503 with Retry-After on every write, and reading goes on', async () => {
    const link = await createSignInLink(server.app, { origin: server.url })
    await setForDatabase('default_transaction_read_only = on')
    const refused = await untilAnswered(() => put('/people/id:bob', {}), /read-only/)
    expect(refused).toMatchObject({ ...temporary, body: { code: 'unavailable', status: 503 } })
    expect(await rest('POST', '/segments', { name: 'S', manual: true })).toMatchObject(temporary)
    expect(await call('GET', new URL(link.url).pathname + new URL(link.url).search)).toMatchObject(temporary)
    expect(await track()).toMatchObject(temporary)
    expect(await rest('GET', '/people/id:ada')).toMatchObject({ status: 200 })
  })

  it('is not ready, and says why', async () => {
    await setForDatabase('default_transaction_read_only = on')
    const reply = await untilAnswered(() => get('/readyz'), /read-only/)
    expect(reply).toMatchObject({ status: 503, body: { status: 'failing' } })
  })
})

describe('locks and timeouts', () => {
  afterEach(recover)

  it('a statement that takes too long is a 503', async () => {
    await setForDatabase(`statement_timeout = '200ms'`)
    const release = await hold('lock table people in access exclusive mode')
    expect(await untilAnswered(() => rest('GET', '/people/id:ada'), /did not answer in time/)).toMatchObject(
      temporary,
    )
    await release()
  })

  it('a lock that is not to be had in time is a 503', async () => {
    await setForDatabase(`lock_timeout = '200ms'`)
    const release = await hold('lock table people in access exclusive mode')
    expect(await untilAnswered(() => put('/people/id:ada', {}), /busy with the same rows/)).toMatchObject(
      temporary,
    )
    await release()
  })

  it('a deadlock and a serialization failure are 503', async () => {
    await server.app.pool.query('create table pair (id integer primary key, n integer default 0)')
    await server.app.pool.query('insert into pair values (1), (2)')
    const [a, b] = [await server.app.pool.connect(), await server.app.pool.connect()]
    for (const client of [a, b]) await client.query(`begin; set local deadlock_timeout = '10ms'`)
    await a.query('update pair set n = 1 where id = 1')
    await b.query('update pair set n = 1 where id = 2')
    const ends = await Promise.allSettled([
      a.query('update pair set n = 1 where id = 2').catch(async (error) => {
        await a.query('rollback')
        throw error
      }),
      b.query('update pair set n = 1 where id = 1').catch(async (error) => {
        await b.query('rollback')
        throw error
      }),
    ])
    const deadlock = ends.find(({ status }) => status === 'rejected') as PromiseRejectedResult
    expect(databaseError(deadlock.reason)).toMatchObject({ status: 503, retryAfterSeconds: 1 })
    for (const client of [a, b]) await client.query('rollback')

    for (const client of [a, b]) await client.query('begin isolation level repeatable read')
    for (const client of [a, b]) await client.query('select * from pair')
    await a.query('update pair set n = 2; commit')
    const failure = await b.query('update pair set n = 3').catch((error: unknown) => error)
    expect(databaseError(failure)).toMatchObject({ status: 503, retryAfterSeconds: 1 })
    await b.query('rollback')
    for (const client of [a, b]) client.release()
  })
})

describe('connections', () => {
  afterEach(recover)

  it('that are all taken are a 503 once the wait is over', async () => {
    const { pool } = server.app
    const taken = await Promise.all(Array.from({ length: pool.options.max! }, () => pool.connect()))
    const reply = await rest('GET', '/people/id:ada')
    for (const client of taken) client.release()
    expect(reply).toMatchObject(temporary)
  })

  it('that are killed under a request, or refused, are a 503', async () => {
    const release = await hold('lock table people in access exclusive mode')
    const waiting = rest('GET', '/people/id:ada')
    await until(async () => {
      const { rowCount } = await server.app.pool.query(
        `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      )
      return rowCount! > 0
    })
    await asAdmin(`alter database ${database} allow_connections false`)
    await throwEverybodyOut()
    expect(await waiting).toMatchObject(temporary)
    expect(await rest('GET', '/people/id:ada')).toMatchObject(temporary)
    expect(await track()).toMatchObject(temporary)
    const signIn = { email: 'ada@example.com', password: 'a wrong password' }
    expect(await call('POST', '/api/auth/sign-in/email', signIn, { origin: server.url })).toMatchObject(
      temporary,
    )
    await asAdmin(`alter database ${database} allow_connections true`)
    await release()
  })
})

it.each([
  ['25006', 503],
  ['53100', 503],
  ['53200', 503],
  ['53300', 503],
  ['53400', 503],
  ['55P03', 503],
  ['57014', 503],
  ['57P01', 503],
  ['57P03', 503],
  ['58030', 503],
  ['40001', 503],
  ['40P01', 503],
  ['08006', 503],
  ['22003', 422],
  ['22021', 422],
  ['22P02', 422],
  ['54000', 422],
  ['23505', 409],
  ['23503', 409],
  ['42601', undefined],
])('SQLSTATE %s is %s', (code, status) => {
  const error = Object.assign(new pg.DatabaseError('said so', 10, 'error'), { code, severity: 'ERROR' })
  expect(databaseError(error)?.status).toBe(status)
})

it('a connection that was not had in time may be the fault of either side', () => {
  for (const message of [
    'timeout exceeded when trying to connect',
    'Connection terminated due to connection timeout',
  ])
    expect(databaseError(new Error(message))).toMatchObject({
      status: 503,
      message: expect.stringMatching(/in time.*or this server is busy/),
    })
})

describe('values that PostgreSQL can not take', () => {
  const forged = (...parts: unknown[]) => Buffer.from(JSON.stringify(parts)).toString('base64url')
  const id = '00000000-0000-4000-8000-000000000000'

  it.each([
    [`/events?cursor=${forged('9999-99-99 00:00:00+00', id)}`],
    [`/events?cursor=${forged('2024-02-30 00:00:00+00', id)}`],
    [`/events?cursor=${forged('2024-02-03 24:00:00+00', id)}`],
    [`/events?cursor=${forged('0000-02-03 00:00:00+00', id)}`],
    [`/events?cursor=${forged('2024-02-03 00:00:00+00', 'x')}`],
    [`/events?cursor=${forged(5, id)}`],
    [`/events?cursor=${forged(['2024-02-03 00:00:00+00'], id)}`],
    ['/events?cursor=null'],
    [`/messages?cursor=${forged('9999-99-99 00:00:00+00', id)}`],
    ['/messages?cursor=nonsense'],
    [`/people?cursor=${forged('2024-02-03 00:00:00+00', '999999999999999999')}&limit=1`, [200]],
    [`/people?search=a&cursor=${forged('0', 'a\0b', '1')}`],
    [`/people?search=a&cursor=${forged('0', 'a', '99999999999999999999')}`],
    [`/people/id:ada/timeline?cursor=${forged('2024-13-01 00:00:00+00', 'event', '1')}`],
    [`/erasures?cursor=${forged('2024-13-01 00:00:00+00', id)}`],
    ['/tasks?cursor=WyIxZTkiXQ'],
    ['/exports?cursor=WyItMSJd'],
  ])('a forged cursor is a 422 that names it: %s', async (path, expected: number[] = [422]) => {
    const reply = await rest('GET', path)
    expect(expected).toContain(reply.status)
    if (reply.status === 422) expect(reply.body).toMatchObject({ code: 'invalid_field', field: 'cursor' })
  })
})

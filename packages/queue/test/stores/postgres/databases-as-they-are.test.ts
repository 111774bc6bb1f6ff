import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../../../testing/postgres.ts'
import { until } from '../../../../../testing/until.ts'
import { createQueue, postgresStore } from '../../../src/index.ts'
import { ClockWatch } from '../../../src/stores/postgres/clock-watch.ts'
import { job, lanes } from '../../worker-support.ts'

/** Databases are set up in many ways, restarted, and their clocks are set. */
async function openDatabase(): Promise<TestDatabase> {
  const database = await createTestDatabase({ migrate: false })
  onTestFinished(() => database.drop())
  return database
}

/** As programs make one that have no URL, without any listener. */
function poolOf(url: string, more: pg.PoolConfig = {}): pg.Pool {
  const { hostname, port, username, password, pathname } = new URL(url)
  const pool = new pg.Pool({
    host: hostname,
    port: Number(port),
    user: username,
    password: decodeURIComponent(password),
    database: pathname.slice(1),
    ...more,
  })
  // The database goes before the last goodbye has arrived.
  onTestFinished(() => pool.on('error', () => {}).end())
  return pool
}

describe('a pool of one’s own', () => {
  it('made with user and password hears of new work from others', async () => {
    const database = await openDatabase()
    const errors: unknown[] = []
    const store = postgresStore({ pool: poolOf(database.url), onError: (error) => errors.push(error) })
    await store.migrate()
    const heard: string[] = []
    await store.listen((what) => heard.push(what))
    const other = postgresStore({ connectionString: database.url })
    other.announce('cancelled')
    await until(() => heard.includes('cancelled'))
    expect(errors).toEqual([])
    await other.close()
    await store.close()
  })

  it('says why it can not listen, and works all the same', async () => {
    const database = await openDatabase()
    const pool = poolOf(database.url)
    const errors: Error[] = []
    const store = postgresStore({ pool, onError: (error) => errors.push(error as Error) })
    await store.migrate()
    const queue = createQueue({ store })
    pool.options.password = 'wrong'
    // The pool's own connection is there already; the one that listens is refused.
    const ran: unknown[] = []
    queue.worker({ job: ({ data }) => void ran.push(data) }, { lanes })
    pool.options.port = 1
    await until(() => errors.length > 0)
    pool.options.port = Number(new URL(database.url).port)
    pool.options.password = decodeURIComponent(new URL(database.url).password)
    await queue.add(job('a', 1))
    await until(() => ran.length === 1)
    await queue.close()
  })

  it('outlives a restart of the database, between statements and in the middle of transactions', async () => {
    const database = await openDatabase()
    const pool = poolOf(database.url)
    const queue = createQueue({ store: postgresStore({ pool }) })
    await queue.migrate()
    const ran = new Set<unknown>()
    queue.worker({ job: ({ data }) => void ran.add(data) }, { lanes, leaseMs: 1_000 })
    for (let round = 0; round < 5; round++) {
      await database.pool.query(
        'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
      )
      // Keys take transactions of several statements.
      await until(() => queue.add(job('a', round, { key: 'k' })).catch(() => undefined))
      await until(() => ran.has(round))
    }
    await queue.close()
    expect(pool.listenerCount('error')).toBe(0)
  })
})

it.each(['own', 'given'])('reads times where dates are written otherwise (%s pool)', async (kind) => {
  const database = await openDatabase()
  const name = new URL(database.url).pathname.slice(1)
  await database.pool.query(`alter database ${name} set datestyle to 'German, DMY'`)
  const queue = createQueue({
    store: postgresStore(
      kind === 'own' ? { connectionString: database.url } : { pool: poolOf(database.url, { max: 6 }) },
    ),
  })
  await queue.migrate()
  const worker = queue.worker(
    {
      job: () => {
        throw new Error('never')
      },
    },
    { lanes, retry: { maxAttempts: 1 } },
  )
  await queue.add(job('t', 1))
  await until(async () => (await queue.deadLetters()).length === 1)
  expect((await queue.deadLetters())[0]!.diedAt.getTime()).toBeGreaterThan(1.7e12)
  await worker.close()
  await queue.close()
})

describe.each(['repeatable read', 'serializable'])('where %s is the default', (level) => {
  it.each(['own', 'given'])('many work at once without an error (%s pool)', async (kind) => {
    const database = await openDatabase()
    const name = new URL(database.url).pathname.slice(1)
    await database.pool.query(`alter database ${name} set default_transaction_isolation to '${level}'`)
    const open = () =>
      createQueue({
        store: postgresStore(
          kind === 'own' ? { connectionString: database.url } : { pool: poolOf(database.url, { max: 6 }) },
        ),
      })
    const queues = [open(), open()]
    const errors: unknown[] = []
    const ran = new Map<unknown, number>()
    for (const queue of queues) {
      await queue.migrate()
      queue
        .worker(
          {
            job: ({ data }) => {
              ran.set(data, (ran.get(data) ?? 0) + 1)
              if (ran.get(data) === 1 && Number(data) % 7 === 0) throw new Error('again')
            },
          },
          { lanes, retry: { baseMs: 1, maxMs: 1 } },
        )
        .on('error', (error) => errors.push(error))
    }
    const adds = Array.from({ length: 200 }, (_, n) =>
      queues[n % 2]!.add(job(`t${n % 5}`, n, n % 3 === 0 ? { key: `k${n % 4}` } : {})),
    )
    await Promise.all(adds)
    await until(() => ran.size === 200 && (ran.get(0) ?? 0) === 2)
    expect(errors).toEqual([])
    for (const queue of queues) await queue.close()
    // Connections of somebody else's are left as they were made.
    if (kind === 'given') {
      const { rows } = await poolOf(database.url).query('show default_transaction_isolation')
      expect(rows[0].default_transaction_isolation).toBe(level)
    }
  })
})

describe('a role that may not create', () => {
  async function openRole(database: TestDatabase) {
    const role = `role_${randomBytes(6).toString('hex')}`
    await database.pool.query(`create role ${role} login password 'secret'`)
    onTestFinished(async () => {
      await database.pool.query(`drop owned by ${role}; drop role ${role}`)
    })
    const url = new URL(database.url)
    url.username = role
    url.password = 'secret'
    return { role, url: url.href }
  }

  it('uses what another role has installed', async () => {
    const database = await openDatabase()
    const { role, url } = await openRole(database)
    const installer = createQueue({ store: postgresStore({ connectionString: database.url }) })
    await installer.migrate()
    await installer.close()
    await database.pool.query(`
      grant usage on schema fairway_queue to ${role};
      grant select, insert, update, delete on all tables in schema fairway_queue to ${role};
      grant usage on all sequences in schema fairway_queue to ${role}`)
    const queue = createQueue({ store: postgresStore({ connectionString: url }) })
    await queue.migrate()
    const ran: unknown[] = []
    const errors: unknown[] = []
    queue
      .worker({ job: ({ data }) => void ran.push(data) }, { lanes })
      .on('error', (error) => errors.push(error))
    await queue.addMany([job('a', 1), job('a', 2, { key: 'k' })])
    await until(() => ran.length === 2)
    expect(errors).toEqual([])
    await queue.close()
  })

  it('is told what to do where nothing is installed', async () => {
    const database = await openDatabase()
    const { url } = await openRole(database)
    const queue = createQueue({ store: postgresStore({ connectionString: url }) })
    await expect(queue.migrate()).rejects.toMatchObject({
      code: 'QUEUE_NOT_MIGRATED',
      message: expect.stringContaining('Run migrate() once as a role that may create'),
    })
    await queue.close()
  })
})

describe('clocks that are set', () => {
  it('of this machine: nothing is due early, and times stay those of the database', async () => {
    const database = await openDatabase()
    const store = postgresStore({ connectionString: database.url })
    const queue = createQueue({ store })
    await queue.migrate()
    const real = Date.now
    const step = vi.spyOn(Date, 'now').mockImplementation(() => real() + 86_400_000)
    onTestFinished(() => step.mockRestore())
    expect(store.now()).toBeLessThan(real() + 3_600_000)
    await queue.add(job('a', 1, { delayMs: 3_600_000 }))
    expect((await store.promote(10)).jobs).toBe(0)
    await queue.close()
  })

  it('of the database, forward: what a living worker holds stays with it', async () => {
    const database = await openDatabase()
    const name = new URL(database.url).pathname.slice(1)
    await database.pool.query(`
      create schema clocks;
      create table clocks.step (by interval not null);
      insert into clocks.step values ('0');
      create function clocks.clock_timestamp() returns timestamptz language sql volatile
        as 'select pg_catalog.clock_timestamp() + by from clocks.step';
      alter database ${name} set search_path to clocks, pg_catalog, public`)
    const store = postgresStore({ connectionString: database.url })
    await store.migrate()
    const worker = await store.openWorker(10_000)
    expect(await store.reap({ maxAttempts: 10 })).toBe(0)
    await database.pool.query(`update clocks.step set by = '1 hour'`)
    await store.reap({ maxAttempts: 10 })
    expect(await store.heartbeat(worker, 10_000)).toBe(true)
    await store.close()
  })

  it('leases are judged again once heartbeats had time to set them right', () => {
    const watch = new ClockWatch()
    expect(watch.trusts(1_000_000, 0)).toBe(true)
    expect(watch.trusts(1_001_500, 1_000)).toBe(true)
    expect(watch.trusts(4_602_500, 2_000)).toBe(false)
    expect(watch.trusts(4_607_500, 7_000)).toBe(false)
    expect(watch.trusts(4_613_000, 12_500)).toBe(true)
    // Set back, nothing looks over that is not.
    expect(watch.trusts(1_000, 13_500)).toBe(true)
  })
})

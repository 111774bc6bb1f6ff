import { createConnection } from 'mysql2/promise'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasMariadb, type Mariadb, startMariadb } from '../../../../../testing/mariadb.ts'
import { createTestDatabase, type TestDatabase } from '../../../../../testing/postgres.ts'
import { parseConnection } from '../../../src/exchange/sources/connection.ts'
import { openReader } from '../../../src/exchange/sources/open-reader.ts'
import type { CursorValue, Reader, SourceRow } from '../../../src/exchange/sources/reader.ts'
import type { SourceFailed } from '../../../src/exchange/sources/source-failed.ts'

const limits = { connectMs: 5_000, statementMs: 30_000, allowPrivate: true }

interface Options {
  cursorColumn?: string
  from?: CursorValue
  statementMs?: number
  allowPrivate?: boolean
}

const open = (
  kind: 'postgres' | 'mysql',
  url: string,
  query: string,
  { cursorColumn = undefined, from = undefined, ...more }: Options = {},
): Promise<Reader> =>
  openReader(
    parseConnection(kind, url),
    { query, cursorColumn: cursorColumn ?? null, from: from ?? null },
    { ...limits, ...more },
  )

async function readAll(reader: Reader, limit = 2): Promise<SourceRow[]> {
  const all: SourceRow[] = []
  try {
    for (;;) {
      const rows = await reader.read(limit)
      if (rows.length === 0) return all
      expect(rows.length).toBeLessThanOrEqual(limit)
      all.push(...rows)
    }
  } finally {
    await reader.close()
  }
}

const parsed = (rows: SourceRow[]) => rows.map(({ line }) => JSON.parse(line))

/** What both have to do. */
function describeReader(
  kind: 'postgres' | 'mysql',
  given: () => { url: string; run: (sql: string) => Promise<void>; breakAll: () => Promise<void> },
): void {
  const query = (sql: string, options?: Options) => open(kind, given().url, sql, options)
  const failure = (sql: string, options?: Options, url = given().url): Promise<SourceFailed> =>
    open(kind, url, sql, options)
      .then((reader) => readAll(reader))
      .then(
        () => expect.unreachable(),
        (error) => error,
      )

  beforeAll(async () => {
    await given().run(
      'create table users (id bigint primary key, email varchar(100), changed timestamp(6) null)',
    )
    for (let n = 1; n <= 7; n++)
      await given().run(
        `insert into users values (${n}, 'p${n}@example.com', ${n === 7 ? 'null' : `'2026-01-0${Math.ceil(n / 2)} 10:00:00.123456'`})`,
      )
  })

  it('reads all rows, a few at a time', async () => {
    const reader = await query('select id, email from users order by id;  \n')
    expect(reader.columns.map(({ name }) => name)).toEqual(['id', 'email'])
    const rows = parsed(await readAll(reader))
    expect(rows).toHaveLength(7)
    expect(rows).toContainEqual({ id: 1, email: 'p1@example.com' })
  })

  it('goes on at a cursor of numbers or times, its value included', async () => {
    const sql = 'select id, changed from users -- all of them'
    const reader = await query(sql, { cursorColumn: 'id' })
    expect((await readAll(reader)).map(({ cursor }) => cursor)).toEqual(['1', '2', '3', '4', '5', '6', '7'])
    const type = reader.cursorType!
    const later = await readAll(await query(sql, { cursorColumn: 'id', from: { value: '5', type } }))
    expect(later.map(({ cursor }) => cursor)).toEqual(['5', '6', '7'])

    const byTime = await query(sql, { cursorColumn: 'changed' })
    const times = (await readAll(byTime)).map(({ cursor }) => cursor!)
    // Who has no value is left out.
    expect(times).toHaveLength(6)
    const from = { value: times[2]!, type: byTime.cursorType! }
    const rest = await readAll(await query(sql, { cursorColumn: 'changed', from }))
    expect(rest.map(({ cursor }) => cursor)).toEqual(times.slice(2))
  })

  it('can be left in the middle, also while the database thinks', async () => {
    const reader = await query('select id from users order by id')
    expect(await reader.read(2)).toHaveLength(2)
    await reader.close()
    const slow = await query(`select ${kind === 'mysql' ? 'sleep(30)' : 'pg_sleep(30)'} as a`)
    const reading = slow.read(1).then(
      () => 'read',
      () => 'failed',
    )
    await slow.close()
    expect(await reading).toBe('failed')
  })

  it('says that the connection broke, which may go better another time', async () => {
    const many = kind === 'mysql' ? 'seq from seq_1_to_1000000' : 'n from generate_series(1, 1000000) n'
    const reader = await query(`select ${many}`)
    expect(await reader.read(2)).toHaveLength(2)
    await given().breakAll()
    const rest = readAll(reader, 10_000)
    await expect(rest).rejects.toMatchObject({ transient: true })
  })

  it('cannot write', async () => {
    expect(await failure(`insert into users values (9, '', null)`)).toMatchObject({
      field: 'query',
      message: 'The query must be one SELECT',
    })
    expect((await failure(`select 1) q; drop table users; select * from (select 2`)).field).toBe('query')
    expect((await failure('select 1 as a; select 2 as a')).field).toBe('query')
    expect(await readAll(await query('select * from users'))).toHaveLength(7)
  })

  it('says what is wrong', async () => {
    const url = new URL(given().url)
    const at = (change: (url: URL) => void) => {
      const other = new URL(url.href)
      change(other)
      return other.href
    }
    expect(
      await failure(
        'select 1 as a',
        {},
        at((to) => (to.password = 'wrong')),
      ),
    ).toMatchObject({
      field: 'url',
      transient: false,
      message: 'The database refused the user or the password',
    })
    expect(
      await failure(
        'select 1 as a',
        {},
        at((to) => (to.pathname = '/nowhere')),
      ),
    ).toMatchObject({
      field: 'url',
      transient: false,
      message: expect.stringContaining('nowhere'),
    })
    expect(
      await failure(
        'select 1 as a',
        {},
        at((to) => (to.port = '1')),
      ),
    ).toMatchObject({
      field: 'url',
      transient: true,
      message: expect.stringContaining('ECONNREFUSED'),
    })
    for (const host of ['127.0.0.1', 'localhost'])
      expect(
        await failure(
          'select 1 as a',
          { allowPrivate: false },
          at((to) => (to.hostname = host)),
        ),
      ).toMatchObject({
        field: 'url',
        transient: false,
        message: expect.stringContaining('internal address'),
      })
    // Of several addresses, one that answers is enough.
    const named = await open(
      kind,
      at((to) => (to.hostname = 'localhost')),
      'select 1 as a',
    )
    expect(await readAll(named)).toHaveLength(1)
    expect(await failure('select nothing from users')).toMatchObject({
      field: 'query',
      message: expect.stringContaining('nothing'),
    })
    expect(await failure('select * from nowhere')).toMatchObject({ field: 'query' })
    expect(await failure('select id, id from users')).toMatchObject({
      field: 'query',
      message: expect.stringMatching(/id/i),
    })
    expect(await failure('select id from users', { cursorColumn: 'changed' })).toMatchObject({
      field: 'cursorColumn',
      message: 'The query has no column changed; it has id',
    })
    expect(await failure('select email from users', { cursorColumn: 'email' })).toMatchObject({
      field: 'cursorColumn',
      message: expect.stringContaining('must be a number or a time'),
    })
    expect(await failure(`select repeat('x', 300000) as wide`)).toMatchObject({
      message: 'A row is larger than 262144 bytes; select fewer columns',
    })
  })
}

describe('a PostgreSQL', () => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await createTestDatabase({ migrate: false })
  })
  afterAll(() => database?.drop())
  describeReader('postgres', () => ({
    url: database.url,
    run: async (sql) => void (await database.pool.query(sql)),
    breakAll: async () =>
      void (await database.pool.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'fairway'
           and datname = current_database() and pid <> pg_backend_pid()`,
      )),
  }))

  it('gives every value without rounding it', async () => {
    const [row] = parsed(
      await readAll(
        await open(
          'postgres',
          database.url,
          `select 9007199254740993::bigint as big, 12::bigint as small, 0.1::numeric as "a ""b""",
             123456789012345.678::numeric as exact, true as yes, null::text as nothing, '{"a": [1]}'::jsonb as json,
             timestamptz '2026-01-01 12:00:00.123456+02' as moment, date '2026-01-02' as day, '{x,y}'::text[] as list`,
        ),
      ),
    )
    expect(row).toEqual({
      big: '9007199254740993',
      small: 12,
      'a "b"': 0.1,
      exact: '123456789012345.678',
      yes: true,
      nothing: null,
      json: { a: [1] },
      moment: '2026-01-01T10:00:00.123456+00:00',
      day: '2026-01-02',
      list: ['x', 'y'],
    })
  })

  it('ends what takes too long, and refuses functions that write', async () => {
    await database.pool.query(
      `create function sneaky() returns integer language sql as $$ insert into users values (99); select 1 $$`,
    )
    const fails = (sql: string, options?: Options) =>
      open('postgres', database.url, sql, options)
        .then(readAll)
        .catch((error) => error)
    expect(await fails('select sneaky() as a')).toMatchObject({
      message: expect.stringContaining('may only read'),
    })
    expect(await fails('select pg_sleep(5) as a', { statementMs: 200 })).toMatchObject({
      field: 'query',
      message: 'The query took too long and was ended',
    })
  })
})

// Debian's mariadb-server-core is all that is needed.
describe.skipIf(!hasMariadb())('a MariaDB', () => {
  let mariadb: Mariadb
  let connection: Awaited<ReturnType<typeof createConnection>>
  beforeAll(async () => {
    mariadb = await startMariadb()
    connection = await createConnection(mariadb.url)
    await connection.query(`set time_zone = '+00:00'`)
  })
  afterAll(async () => {
    await connection?.end()
    await mariadb?.stop()
  })
  describeReader('mysql', () => ({
    url: mariadb.url,
    run: async (sql) => void (await connection.query(sql)),
    async breakAll() {
      const [rows] = await connection.query(
        'select id from information_schema.processlist where id <> connection_id()',
      )
      for (const { id } of rows as { id: number }[]) await connection.query(`kill ${id}`)
    },
  }))

  it('gives every value without rounding it', async () => {
    await connection.query(`create table kinds (big bigint, small bigint, exact decimal(30,3), yes tinyint(1), few tinyint,
      moment datetime(6), at timestamp(3), day date, words text, bytes binary(2), ratio double)`)
    await connection.query(`insert into kinds values (9007199254740993, 12, 123456789012345.678, 1, 7,
      '2026-01-01 12:00:00.123456', '2026-01-01 12:00:00.123', '2026-01-02', 'Köln', x'00ff', 0.5)`)
    const [row] = parsed(await readAll(await open('mysql', mariadb.url, 'select * from kinds')))
    expect(row).toEqual({
      big: '9007199254740993',
      small: 12,
      exact: '123456789012345.678',
      yes: true,
      few: 7,
      moment: '2026-01-01T12:00:00.123456Z',
      at: '2026-01-01T12:00:00.123Z',
      day: '2026-01-02',
      words: 'Köln',
      bytes: '00ff',
      ratio: 0.5,
    })
  })

  it('ends what takes too long, and refuses functions that write', async () => {
    await connection.query(
      `create function sneaky() returns int begin insert into users values (99, '', null); return 1; end`,
    )
    const fails = (sql: string, options?: Options) =>
      open('mysql', mariadb.url, sql, options)
        .then(readAll)
        .catch((error) => error)
    expect(await fails('select sneaky() as a')).toMatchObject({
      message: expect.stringContaining('may only read'),
    })
    expect(await fails('select sleep(5) as a', { statementMs: 200 })).toMatchObject({
      field: 'query',
      message: 'The query took too long and was ended',
    })
  })

  it('can be left in the middle', async () => {
    const reader = await open(
      'mysql',
      mariadb.url,
      'select a.seq as a, b.seq as b from seq_1_to_1000 a, seq_1_to_1000 b',
    )
    expect(await reader.read(10)).toHaveLength(10)
    await reader.close()
  })
})

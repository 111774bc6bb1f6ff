import pg from 'pg'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../../../testing/postgres.ts'
import { migrate } from '../../../src/platform/db/migrate.ts'
import { addresses } from '../../../src/platform/db/migrations/0013_addresses.ts'

let database: TestDatabase

beforeEach(async () => {
  database = await createTestDatabase()
  await database.pool.query(`
    delete from migrations where version = 13;
    drop index people_address;
    alter table people drop column folded_email;
    create index people_email on people (project_id, (lower(email) collate "C"), id) where email is not null`)
  await database.pool.query(`
    insert into people (project_id, external_id, email) values
      (1, '1', 'Plain@x.example'),
      (1, 'ann@müller.example', 'Ann@Müller.example'),
      (1, 'bo@müller.example', 'bo@müller.example'),
      (1, 'bo@xn--mller-kva.example', 'bo@xn--mller-kva.example'),
      (1, '2', 'ÄB@X.example'),
      (1, '3', e'\\u200bcy@x.example'),
      (2, '4', e'no\\u200bbody@x.example'),
      (2, '5', null)`)
  await database.pool.query(`
    insert into suppressions (project_id, address, reason, created_at) values
      (1, 'plain@x.example', 'api', '2026-01-01'),
      (1, 'ann@müller.example', 'import', '2026-01-02'),
      (1, 'bo@müller.example', 'hard bounce', '2026-01-03'),
      (1, 'bo@xn--mller-kva.example', 'api', '2026-01-04'),
      (1, e'dee\\u200b@x.example', 'import', '2026-01-05')`)
})
afterEach(() => database.drop())

const stored = async () => ({
  people: (
    await database.pool.query(
      'select project_id, external_id, email, folded_email as folded from people order by project_id, id',
    )
  ).rows.map(({ project_id, external_id, email, folded }) => [project_id, external_id, email, folded]),
  suppressions: (
    await database.pool.query('select address, reason from suppressions order by address collate "C"')
  ).rows.map(({ address, reason }) => [address, reason]),
  aliases: (
    await database.pool.query(
      `select alias, p.external_id as id from person_aliases a join people p on p.id = a.person_id`,
    )
  ).rows,
  indexes: (
    await database.pool.query(
      `select indexrelid::regclass::text as name from pg_index
       where indrelid = 'people'::regclass and indisvalid and indexrelid::regclass::text in ('people_address', 'people_email')`,
    )
  ).rows,
})

const canonical = {
  people: [
    [1, '1', 'Plain@x.example', null],
    [1, 'ann@müller.example', 'Ann@xn--mller-kva.example', null],
    [1, 'bo@müller.example', 'bo@xn--mller-kva.example', null],
    [1, 'bo@xn--mller-kva.example', 'bo@xn--mller-kva.example', null],
    [1, '2', 'ÄB@x.example', 'äb@x.example'],
    [1, '3', 'cy@x.example', null],
    [2, '4', 'no\u200bbody@x.example', null],
    [2, '5', null, null],
  ],
  suppressions: [
    ['ann@xn--mller-kva.example', 'import'],
    ['bo@xn--mller-kva.example', 'api'],
    ['dee@x.example', 'import'],
    ['plain@x.example', 'api'],
  ],
  aliases: [{ alias: 'ann@xn--mller-kva.example', id: 'ann@müller.example' }],
  indexes: [{ name: 'people_address' }],
}

test('what is stored becomes canonical, and whom a spelling led to is still found', async () => {
  await Promise.all([migrate(database.url), migrate(database.url)])
  expect(await stored()).toEqual(canonical)
})

test('interrupted after any statement, it is finished by the next run', async () => {
  for (let statements = 1; ; statements++) {
    const finished = await runUntil(statements)
    if (finished) break
    await migrateOnce()
    expect(await stored()).toEqual(canonical)
    await database.pool.query('delete from migrations where version = 13')
  }
  expect(await stored()).toEqual(canonical)
})

test('an index whose building was interrupted is built anew', async () => {
  await migrateOnce()
  await database.pool.query(`
    update pg_index set indisvalid = false where indexrelid = 'people_address'::regclass;
    delete from migrations where version = 13`)
  expect((await stored()).indexes).toEqual([])
  await migrateOnce()
  expect(await stored()).toEqual(canonical)
})

const migrateOnce = () => migrate(database.url)

/** False when it was stopped before its end. */
async function runUntil(statements: number): Promise<boolean> {
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  let left = statements
  const query = client.query.bind(client) as (...values: unknown[]) => unknown
  Object.assign(client, {
    query: (...values: unknown[]) => {
      if (left-- === 0) throw new Error('interrupted')
      return query(...values)
    },
  })
  try {
    await addresses(client)
    return true
  } catch (error) {
    expect((error as Error).message).toBe('interrupted')
    return false
  } finally {
    await client.end()
  }
}

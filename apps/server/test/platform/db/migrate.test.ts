import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../../../testing/postgres.ts'
import { migrate } from '../../../src/platform/db/migrate.ts'

describe('migrate', () => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await createTestDatabase({ migrate: false })
  })
  afterAll(() => database.drop())

  it('runs each migration once, from however many processes at a time', async () => {
    await Promise.all([migrate(database.url), migrate(database.url), migrate(database.url)])
    await migrate(database.url)
    const { rows } = await database.pool.query('select version from migrations order by version')
    expect(rows[0]).toEqual({ version: 1 })
    await database.pool.query('select id from projects')
  })

  it('refuses a database that a newer Fairway migrated', async () => {
    await database.pool.query(`insert into migrations values (9999, '9999_future', 'x')`)
    await expect(migrate(database.url)).rejects.toThrow(/newer Fairway.*9999_future/)
    await database.pool.query('delete from migrations where version = 9999')
  })

  it('refuses a migration that changed after it ran', async () => {
    await database.pool.query(`update migrations set checksum = 'other' where version = 1`)
    await expect(migrate(database.url)).rejects.toThrow(/changed after it ran/)
  })
})

describe('beside a server of the version before', () => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await createTestDatabase()
  })
  afterAll(() => database.drop())

  it('campaigns are read, locked and written under their former name', async () => {
    const { pool } = database
    const written = await pool.query(
      `insert into behavioral_campaigns (project_id, name, trigger_event, folded_trigger, template_id)
       values (1, 'Thanks', 'Signed up', 'signedup', 1) returning id, state`,
    )
    expect(written.rows).toEqual([{ id: 1, state: 'off' }])
    await pool.query(`select * from behavioral_campaigns where project_id = 1 and id = 1 for update`)
    await pool.query(`update behavioral_campaigns set state = 'live' where project_id = 1`)
    expect((await pool.query('select name, state from campaigns')).rows).toEqual([
      { name: 'Thanks', state: 'live' },
    ])
    await pool.query('delete from behavioral_campaigns where project_id = 1 and id = 1')
    expect((await pool.query('select from campaigns')).rowCount).toBe(0)
  })
})

describe('createTestDatabase', () => {
  it('copies a migrated database', async () => {
    const [one, two] = await Promise.all([createTestDatabase(), createTestDatabase()])
    await one.pool.query(`insert into projects (name) values ('x')`)
    expect((await two.pool.query('select count(*) from projects')).rows).toEqual([{ count: 0 }])
    await Promise.all([one.drop(), two.drop()])
  })
})

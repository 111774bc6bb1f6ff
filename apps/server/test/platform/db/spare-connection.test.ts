import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../../../testing/postgres.ts'
import { withSpareConnection } from '../../../src/platform/db/spare-connection.ts'

let database: TestDatabase
let pool: pg.Pool

beforeAll(async () => {
  database = await createTestDatabase()
  pool = new pg.Pool({ connectionString: database.url, max: 2 })
})
afterAll(async () => {
  await pool?.end()
  await database?.drop()
})

test('gives a connection that only reads, and takes it back', async () => {
  const client = await pool.connect()
  for (let round = 0; round < 3; round++)
    await withSpareConnection(pool, 'set local enable_seqscan = off', async (spare) => {
      const { rows } = await spare!.query('show enable_seqscan')
      expect(rows).toEqual([{ enable_seqscan: 'off' }])
      await expect(spare!.query('create table more (id integer)')).rejects.toThrow('read-only')
    })
  const { rows } = await pool.query('show enable_seqscan')
  expect(rows).toEqual([{ enable_seqscan: 'on' }])
  client.release()
})

test('takes it back when the work fails', async () => {
  const failing = withSpareConnection(pool, '', async () => {
    throw new Error('no')
  })
  await expect(failing).rejects.toThrow('no')
  expect([pool.idleCount, pool.totalCount]).toEqual([2, 2])
})

test('gives none rather than wait for one', async () => {
  const clients = [await pool.connect(), await pool.connect()]
  expect(await withSpareConnection(pool, '', async (spare) => spare === undefined)).toBe(true)
  for (const client of clients) client.release()
})

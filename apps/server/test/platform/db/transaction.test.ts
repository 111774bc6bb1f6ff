import { afterAll, beforeAll, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../../../testing/postgres.ts'
import { withTransaction } from '../../../src/platform/db/transaction.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase({ migrate: false })
  await database.pool.query('create table accounts (id int primary key, amount int)')
  await database.pool.query('insert into accounts values (1, 0), (2, 0)')
})
afterAll(() => database.drop())

const amounts = async () =>
  (await database.pool.query('select amount from accounts order by id')).rows.map((row) => row.amount)

it('rolls back when the work throws', async () => {
  const work = withTransaction(database.pool, async (client) => {
    await client.query('update accounts set amount = 5')
    throw new Error('no')
  })
  await expect(work).rejects.toThrow('no')
  expect(await amounts()).toEqual([0, 0])
})

it('runs both sides of a deadlock', async () => {
  let ready = 0
  let bothReady = () => {}
  const meeting = new Promise<void>((done) => (bothReady = done))
  const transfer = (first: number, second: number) =>
    withTransaction(database.pool, async (client) => {
      await client.query('update accounts set amount = amount + 1 where id = $1', [first])
      if (++ready === 2) bothReady()
      await meeting
      await client.query('update accounts set amount = amount + 1 where id = $1', [second])
    })
  await Promise.all([transfer(1, 2), transfer(2, 1)])
  expect(await amounts()).toEqual([2, 2])
})

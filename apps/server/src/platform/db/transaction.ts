import { setTimeout as sleep } from 'node:timers/promises'
import type { Pool, PoolClient } from 'pg'
import { firstFailure } from './first-failure.ts'

const retriable = new Set(['40001', '40P01']) // serialization failure, deadlock
const maxAttempts = 5

/**
 * Runs `work` in a transaction: committed when it resolves, rolled back when it throws. A serialization failure or
 * deadlock runs it again from the start, so `work` must have no effect outside the database.
 */
export async function withTransaction<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await runOnce(pool, work)
    } catch (error) {
      if (attempt === maxAttempts || !retriable.has((error as { code?: string }).code ?? '')) throw error
      await sleep(Math.random() * 10 * 2 ** attempt)
    }
  }
}

async function runOnce<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  let broken: Error | undefined
  try {
    await client.query('begin')
    const result = await work(client)
    await client.query('commit')
    return result
  } catch (error) {
    // A connection that can't even roll back is thrown away instead of going back to the pool.
    const reason = firstFailure(client, error)
    await client.query('rollback').catch((rollbackError: Error) => (broken = rollbackError))
    throw reason
  } finally {
    client.release(broken)
  }
}

/** Runs `work` inside a transaction so that what it wrote is rolled back alone when it throws. */
export async function withSavepoint<T>(client: PoolClient, work: () => Promise<T>): Promise<T> {
  await client.query('savepoint part')
  try {
    const result = await work()
    await client.query('release savepoint part')
    return result
  } catch (error) {
    await client.query('rollback to savepoint part; release savepoint part')
    throw error
  }
}

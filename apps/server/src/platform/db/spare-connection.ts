import type { Pool, PoolClient } from 'pg'

/**
 * Runs `work` with a further connection of the pool, in a read-only transaction that `setUp` begins with; without one when
 * the pool has none to give at once. Who holds a connection must not wait for another: all of them could.
 */
export async function withSpareConnection<T>(
  pool: Pool,
  setUp: string,
  work: (spare: PoolClient | undefined) => Promise<T>,
): Promise<T> {
  const spare = hasSpare(pool) ? await pool.connect().catch(() => undefined) : undefined
  if (!spare) return work(undefined)
  let broken: Error | undefined
  try {
    await spare.query(`begin read only; ${setUp}`)
    return await work(spare)
  } finally {
    await spare.query('rollback').catch((error: Error) => (broken = error))
    spare.release(broken)
  }
}

const hasSpare = ({ idleCount, totalCount, waitingCount, options }: Pool) =>
  waitingCount === 0 && (idleCount > 0 || totalCount < options.max)

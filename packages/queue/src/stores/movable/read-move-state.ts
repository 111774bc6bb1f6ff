import type pg from 'pg'
import type { MoveState } from './move-state.ts'
import { statements } from './sql.ts'

/**
 * Where the jobs of a queue are, for who has only its database: undefined if it was never opened with a movable store, that
 * is, they are in PostgreSQL.
 */
export async function readMoveState(pool: pg.Pool, schema = 'fairway_queue'): Promise<MoveState | undefined> {
  const { rows: tables } = await pool.query('select to_regclass($1) as found', [`${schema}.place`])
  if (tables[0].found === null) return undefined
  return (await pool.query<MoveState>(statements.readMoveState(schema))).rows[0]
}

import { setTimeout as sleep } from 'node:timers/promises'
import type { Pool } from 'pg'

const rowsPerStatement = 5_000
const pauseMs = 10

/** Deletes rows in small statements with pauses, so that other work goes on; may be stopped half-way and run again. */
export async function deleteInSteps(
  pool: Pool,
  table: string,
  condition: string,
  values: unknown[],
  signal?: AbortSignal,
): Promise<void> {
  for (;;) {
    signal?.throwIfAborted()
    const { rowCount } = await pool.query(
      `delete from ${table} where ctid = any(array(
         select ctid from ${table} where ${condition} limit ${rowsPerStatement}))`,
      values,
    )
    if ((rowCount ?? 0) < rowsPerStatement) return
    await sleep(pauseMs, undefined, { signal })
  }
}

import type { Pool } from 'pg'
import type { App } from '../platform/app.ts'
import { deleteInSteps } from '../platform/db/delete-in-steps.ts'
import { withTransaction } from '../platform/db/transaction.ts'
import { notFound } from '../platform/errors.ts'
import { keyCache, positiveTtlMs } from './key-cache.ts'

/**
 * Other processes may accept with a cached key, and handlers may hold jobs, for a while after the deletion. The
 * project's row stays until then, so that a last sweep finds what they wrote.
 */
const settleMs = 6 * positiveTtlMs

/**
 * Hides the project and ends its keys at once. Its rows and jobs are removed by {@link sweepDeletedProjects}, which
 * the caller starts and maintenance repeats.
 *
 * @throws {ApiError} 404
 */
export async function deleteProject(app: App, projectId: number): Promise<void> {
  await withTransaction(app.pool, async (client) => {
    const { rowCount } = await client.query(
      'update projects set deleted_at = $2 where id = $1 and deleted_at is null',
      [projectId, app.now()],
    )
    if (rowCount === 0) throw notFound('Project')
    await client.query('delete from api_keys where project_id = $1', [projectId])
  })
  keyCache(app).forgetProject(projectId)
}

/**
 * Removes what deleted projects left behind, in small statements with pauses, so that other work goes on. Safe to run
 * at any time, from many processes, and to stop half-way: the next run continues.
 */
export async function sweepDeletedProjects(app: App, options: { signal?: AbortSignal } = {}): Promise<void> {
  const { rows } = await app.pool.query<{ id: number; deleted_at: Date }>(
    'select id, deleted_at from projects where deleted_at is not null order by deleted_at limit 1000',
  )
  for (const { id, deleted_at } of rows) {
    const settled = app.now().getTime() - deleted_at.getTime() >= settleMs
    await app.queue.purgeTenant(String(id))
    for (const table of await tablesWithProjects(app.pool)) {
      await deleteInSteps(app.pool, table, 'project_id = $1', [id], options.signal)
    }
    if (settled) await app.pool.query('delete from projects where id = $1 and deleted_at is not null', [id])
  }
}

/** Every table with a `project_id`, also those that later versions add. Partitions by themselves, not their parents. */
async function tablesWithProjects(pool: Pool): Promise<string[]> {
  const { rows } = await pool.query<{ name: string }>(
    `select c.oid::regclass::text as name
     from pg_attribute a join pg_class c on c.oid = a.attrelid
     where a.attname = 'project_id' and not a.attisdropped and c.relkind = 'r'
       and c.relnamespace = current_schema()::regnamespace
     order by 1`,
  )
  return rows.map(({ name }) => name)
}

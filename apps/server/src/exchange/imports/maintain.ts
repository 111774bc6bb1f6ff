import type { App } from '../../platform/app.ts'
import { fileDays } from './fetching.ts'

/** What is kept of an import that ended, besides its numbers: rejected rows, and the way to undo it. */
export const keptDays = 30
const dayMs = 86_400_000
const rowsPerStatement = 1_000

/** Ends imports that nobody started, and forgets rejected rows and changes of those that ended long ago. */
export async function maintainImports(app: App, options: { signal?: AbortSignal } = {}): Promise<void> {
  await app.pool.query(
    `update imports set state = 'cancelled', finished_at = $1, message = $3
     where state in ('uploading', 'ready') and created_at < $2`,
    [
      app.now(),
      new Date(app.now().getTime() - fileDays * dayMs),
      `It was not started within ${fileDays} days, and its file was deleted`,
    ],
  )
  const before = new Date(app.now().getTime() - keptDays * dayMs)
  for (const table of ['import_rejects', 'import_changes']) {
    for (;;) {
      options.signal?.throwIfAborted()
      const { rowCount } = await app.pool.query(
        `delete from ${table} where ctid = any(array(
           select r.ctid from imports i cross join lateral (
             select ctid from ${table} where project_id = i.project_id and import_id = i.id limit ${rowsPerStatement}) as r
           where i.finished_at < $1 limit ${rowsPerStatement}))`,
        [before],
      )
      if ((rowCount ?? 0) < rowsPerStatement) break
    }
  }
}

import type { App } from '../app.ts'

/** What is kept of an import that ended, besides its numbers: rejected rows, and the way to undo it. */
export const keptDays = 30
const rowsPerStatement = 1_000

/** Forgets rejected rows and changes of imports that ended long ago. */
export async function maintainImports(app: App, options: { signal?: AbortSignal } = {}): Promise<void> {
  const before = new Date(app.now().getTime() - keptDays * 86_400_000)
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

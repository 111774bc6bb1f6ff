import type { App } from '../../platform/app.ts'
import { removeExport } from './export.ts'

/** Deletes exports whose time is over, with their files. */
export async function maintainExports(app: App, options: { signal?: AbortSignal } = {}): Promise<void> {
  for (;;) {
    const { rows } = await app.pool.query<{ project_id: number; id: number }>(
      'select project_id, id from exports where expires_at <= $1 order by expires_at limit 100',
      [app.now()],
    )
    for (const { project_id, id } of rows) {
      options.signal?.throwIfAborted()
      await removeExport(app, project_id, id)
    }
    if (rows.length < 100) return
  }
}

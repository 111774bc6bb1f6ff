import type { App } from '../app.ts'
import { deleteFile } from './files.ts'

/** Deletes files whose time is over. */
export async function maintainFiles(app: App, options: { signal?: AbortSignal } = {}): Promise<void> {
  for (;;) {
    const { rows } = await app.pool.query<{ project_id: number; id: number }>(
      'select project_id, id from files where expires_at < $1 order by expires_at limit 100',
      [app.now()],
    )
    for (const { project_id, id } of rows) {
      options.signal?.throwIfAborted()
      await deleteFile(app.pool, project_id, id)
    }
    if (rows.length < 100) return
  }
}

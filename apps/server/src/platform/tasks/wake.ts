import type { App } from '../app.ts'
import { taskJob } from './task.ts'

/** A task that nobody stepped for this long has lost its job. */
const silentMs = 60_000

/** Gives tasks that were left behind, by whatever accident, a job again. */
export async function wakeTasks(app: App): Promise<void> {
  const { rows } = await app.pool.query<{ project_id: number; id: number }>(
    `select project_id, id from tasks
     where state in ('waiting', 'running') and coalesce(stepped_at, created_at) < $1 limit 100`,
    [new Date(app.now().getTime() - silentMs)],
  )
  if (rows.length === 0) return
  await app.queue.addMany(
    rows.map(({ project_id, id }) => ({
      ...taskJob(project_id, id),
      dedupe: { key: `task ${id}`, windowMs: silentMs },
    })),
  )
}

import type { JobInput } from '@fairway/queue'
import type { App } from '../../platform/app.ts'

const dedupeMs = 1_000

/** Gives every project whose people changed, or are due, a job that looks at them. */
export async function wakeSegments(app: App): Promise<void> {
  const { rows } = await app.pool.query<{ project_id: number }>(
    `select project_id from (select distinct project_id from segments where kind = 'dynamic') as s
     where exists (select from changed_people c where c.project_id = s.project_id)
       or exists (select from changed_batches b where b.project_id = s.project_id)
       or exists (select from segment_due d where d.project_id = s.project_id and d.due_at <= $1)`,
    [app.now()],
  )
  if (rows.length > 0) await app.queue.addMany(rows.map(({ project_id }) => evaluateJob(project_id)))
}

/** One at a time in a project: they would only wait for each other's locks. */
const evaluateJob = (projectId: number): JobInput => ({
  lane: 'automation',
  tenant: String(projectId),
  name: 'evaluate_segments',
  data: {},
  key: 'segments',
  dedupe: { key: 'segments', windowMs: dedupeMs },
})

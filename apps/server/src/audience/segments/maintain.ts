import type { App } from '../../platform/app.ts'
import { deleteInSteps } from '../../platform/db/delete-in-steps.ts'

/** Removes the members of deleted segments. */
export async function maintainSegments(app: App, options: { signal?: AbortSignal } = {}): Promise<void> {
  const { rows } = await app.pool.query<{ project_id: number; segment_id: number }>(
    // From one segment to the next along the key, however many members each has.
    `with recursive present as (
       (select project_id, segment_id from segment_members order by project_id, segment_id limit 1)
       union all
       select n.project_id, n.segment_id from present p cross join lateral (
         select project_id, segment_id from segment_members m
         where (m.project_id, m.segment_id) > (p.project_id, p.segment_id)
         order by project_id, segment_id limit 1) as n)
     select project_id, segment_id from present p
     where not exists (select from segments s where s.project_id = p.project_id and s.id = p.segment_id)`,
  )
  for (const { project_id, segment_id } of rows) {
    await deleteInSteps(
      app.pool,
      'segment_members',
      'project_id = $1 and segment_id = $2',
      [project_id, segment_id],
      options.signal,
    )
  }
}

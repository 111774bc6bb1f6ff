import type { PoolClient } from 'pg'
import { numberArray, textArray } from '../../platform/db/array.ts'

interface Changed {
  client: PoolClient
  projectId: number
  /** Ids of people. */
  changed: Set<number>
  events: { personId: number; foldedName: string }[]
}

/**
 * Notes, inside the session's transaction, whom it changed and what they did, for the segments to look at afterwards: one
 * row a session. Costs an index probe in a project without segments.
 */
export async function announceChanges({ client, projectId, changed, events }: Changed): Promise<void> {
  if (changed.size + events.length === 0) return
  await client.query({
    name: 'people_announce',
    text: `insert into changed_people (project_id, people, event_people, event_names)
           select $1, $2::bigint[], $3::bigint[], $4::text[]
           where exists (select from segments where project_id = $1 and kind = 'dynamic')`,
    values: [
      projectId,
      numberArray([...changed]),
      numberArray(events.map(({ personId }) => personId)),
      textArray(events.map(({ foldedName }) => foldedName)),
    ],
  })
}

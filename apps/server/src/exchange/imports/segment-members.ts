import type { PeopleSession } from '../../audience/people/session.ts'
import { changeManualSegment } from '../../audience/segments/members.ts'
import { storeSegmentEvents } from '../../ingest/process-events.ts'
import { TaskFailed } from '../../platform/tasks/kind.ts'

/** Makes people members of a manual segment. Returns those who were none. */
export async function addMembers(
  session: PeopleSession,
  segmentId: number,
  people: number[],
): Promise<number[]> {
  if (people.length === 0) return []
  const segment = await findSegment(session, segmentId)
  if (!segment) throw new TaskFailed('The segment that everybody was to become a member of was deleted')
  return changeManualSegment(session, segment, { add: people, remove: [] }, storeSegmentEvents)
}

/** Takes them out again, as far as the segment is still there. */
export async function removeMembers(
  session: PeopleSession,
  segmentId: number,
  people: number[],
): Promise<void> {
  const segment = await findSegment(session, segmentId)
  if (segment && people.length > 0)
    await changeManualSegment(session, segment, { add: [], remove: people }, storeSegmentEvents)
}

async function findSegment({ client, projectId }: PeopleSession, id: number) {
  const { rows } = await client.query<{ id: number; name: string }>(
    `select id, name from segments where project_id = $1 and id = $2 and kind = 'manual'`,
    [projectId, id],
  )
  return rows[0]
}

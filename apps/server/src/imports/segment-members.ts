import type { PeopleSession } from '../people/session.ts'

/** Makes people members of a manual segment. Returns those who were none. */
export async function addMembers(
  session: PeopleSession,
  segmentId: number,
  people: number[],
): Promise<number[]> {
  if (people.length === 0) return []
  const { rows } = await session.client.query<{ person_id: number }>({
    name: 'import_members',
    text: `with added as (
             insert into segment_members (project_id, segment_id, person_id, entered_at)
             select $1, $2, id, $4 from unnest($3::bigint[]) as p (id) order by id
             on conflict do nothing returning person_id),
           counted as (
             update segments set size = size + (select count(*) from added) where project_id = $1 and id = $2)
           select person_id from added`,
    values: [session.projectId, segmentId, people, session.now],
  })
  return rows.map(({ person_id }) => person_id)
}

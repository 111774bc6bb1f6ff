import type { PoolClient } from 'pg'

type Where = { client: PoolClient; projectId: number }

/** Takes people out of every segment, who are gone. Returns of how many each was a member. */
export async function dropMemberships(
  { client, projectId }: Where,
  people: number[],
): Promise<Map<number, number>> {
  if (people.length === 0) return new Map()
  const { rows } = await client.query<{ person_id: number; count: number }>({
    text: `with gone as (
             delete from segment_members where project_id = $1 and person_id = any($2::bigint[])
             returning segment_id, person_id),
           due as (delete from segment_due where project_id = $1 and person_id = any($2::bigint[])),
           sized as (
             update segments s set size = s.size - g.count
             from (select segment_id, count(*) from gone group by segment_id order by segment_id) as g
             where s.project_id = $1 and s.id = g.segment_id)
           select person_id, count(*) from gone group by person_id`,
    values: [projectId, people],
  })
  return new Map(rows.map(({ person_id, count }) => [person_id, count]))
}

/**
 * Moves memberships of manual segments from merged people to the survivors. Those of dynamic segments end; the survivor
 * is looked at again.
 */
export async function moveMemberships(where: Where, losers: number[], survivors: number[]): Promise<void> {
  const { client, projectId } = where
  if (losers.length === 0) return
  await client.query({
    text: `with moved as (
             insert into segment_members (project_id, segment_id, person_id, entered_at)
             select $1, m.segment_id, r.survivor, min(m.entered_at)
             from unnest($2::bigint[], $3::bigint[]) as r (loser, survivor)
             join segment_members m on m.project_id = $1 and m.person_id = r.loser
             join segments s on s.project_id = $1 and s.id = m.segment_id and s.kind = 'manual'
             group by m.segment_id, r.survivor
             on conflict do nothing returning segment_id)
           update segments s set size = s.size + g.count
           from (select segment_id, count(*) from moved group by segment_id order by segment_id) as g
           where s.project_id = $1 and s.id = g.segment_id`,
    values: [projectId, losers, survivors],
  })
  await dropMemberships(where, losers)
}

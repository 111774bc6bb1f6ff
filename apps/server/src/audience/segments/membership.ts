import type { PoolClient } from 'pg'

export interface Membership {
  segmentId: number
  personId: number
}

/** The ids of the segments that each of these people is in, dynamic and manual, with commas between them. */
export async function loadMemberships(
  client: PoolClient,
  projectId: number,
  people: number[],
): Promise<Map<number, string>> {
  const { rows } = await client.query<{ person: number; segments: string }>({
    name: 'segments_memberships',
    // The driver takes ten times as long over an array.
    text: `select person_id as person, string_agg(segment_id::text, ',') as segments from segment_members
           where project_id = $1 and person_id = any($2::bigint[]) group by person_id`,
    values: [projectId, people],
  })
  return new Map(rows.map(({ person, segments }) => [person, segments]))
}

/** Those of these people who are in the segment. */
export async function membersAmong(
  client: PoolClient,
  projectId: number,
  segmentId: number,
  people: number[],
): Promise<Set<number>> {
  const { rows } = await client.query<{ person_id: number }>({
    name: 'segments_members_among',
    text: `select person_id from segment_members
           where project_id = $1 and segment_id = $2 and person_id = any($3::bigint[])`,
    values: [projectId, segmentId, people],
  })
  return new Set(rows.map(({ person_id }) => person_id))
}

/** Stores who entered and who left, and keeps the sizes. Who is in already, or out, makes no difference. */
export async function changeMemberships(
  client: PoolClient,
  projectId: number,
  { entered, left, now }: { entered: Membership[]; left: Membership[]; now: Date },
): Promise<void> {
  const growth = new Map<number, number>()
  const grow = (rows: { segment_id: number; count: number }[], sign: 1 | -1) => {
    for (const { segment_id, count } of rows)
      growth.set(segment_id, (growth.get(segment_id) ?? 0) + sign * count)
  }
  if (entered.length > 0) {
    const { rows } = await client.query<{ segment_id: number; count: number }>({
      name: 'segments_enter',
      text: `with added as (
               insert into segment_members (project_id, segment_id, person_id, entered_at)
               select $1, segment, person, $4 from unnest($2::integer[], $3::bigint[]) as e (segment, person)
               on conflict do nothing returning segment_id)
             select segment_id, count(*)::integer as count from added group by segment_id`,
      values: [projectId, ...columnsOf(entered), now],
    })
    grow(rows, 1)
  }
  if (left.length > 0) {
    const { rows } = await client.query<{ segment_id: number; count: number }>({
      name: 'segments_leave',
      text: `with gone as (
               delete from segment_members m using unnest($2::integer[], $3::bigint[]) as l (segment, person)
               where m.project_id = $1 and m.segment_id = l.segment and m.person_id = l.person
               returning m.segment_id)
             select segment_id, count(*)::integer as count from gone group by segment_id`,
      values: [projectId, ...columnsOf(left)],
    })
    grow(rows, -1)
  }
  await changeSizes(client, projectId, growth)
}

const columnsOf = (memberships: Membership[]) => [
  memberships.map(({ segmentId }) => segmentId),
  memberships.map(({ personId }) => personId),
]

export async function changeSizes(
  client: PoolClient,
  projectId: number,
  growth: Map<number, number>,
): Promise<void> {
  const changed = [...growth].filter(([, by]) => by !== 0).sort(([a], [b]) => a - b)
  if (changed.length === 0) return
  await client.query({
    name: 'segments_grow',
    text: `update segments s set size = s.size + g.by
           from unnest($2::integer[], $3::bigint[]) as g (id, by) where s.project_id = $1 and s.id = g.id`,
    values: [projectId, changed.map(([id]) => id), changed.map(([, by]) => by)],
  })
}

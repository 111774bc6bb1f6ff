import type { PoolClient } from 'pg'
import type { Definitions } from './definitions.ts'

/** People that one step looks at, at most; measured: 500 to 5,000 are alike, fewer cost more statements a person. */
const mostPeople = 2_000
/** Where there are many segments, each of them may be entered by everybody: this bounds the transaction. */
const mostAnswers = 200_000
/** Rows of `changed_people` that one step takes, small ones as trickling requests make them. */
const mostRows = 500

/**
 * Takes the people that changed, oldest first, each once however often they changed, and those who are due; of those who
 * only did events, the ones whose events some segment asks for. What is taken is gone when the transaction commits.
 *
 * @returns undefined when there is nothing to take
 */
export async function takeChanged(
  client: PoolClient,
  projectId: number,
  { needs: { events }, dynamic }: Pick<Definitions, 'needs' | 'dynamic'>,
  now: Date,
): Promise<number[] | undefined> {
  const most = Math.min(mostPeople, Math.ceil(mostAnswers / Math.max(1, dynamic.length)))
  const { rows } = await client.query<{ people: number[]; event_people: number[]; event_names: string[] }>({
    name: 'segments_take_changed',
    text: `delete from changed_people c using (
             select id from (
               select id, sum(size) over (order by id) - size as before
               from (select id, cardinality(people) + cardinality(event_people) as size from changed_people
                     where project_id = $1 order by id limit ${mostRows}) as first
             ) as counted where before < $2) as taken
           where c.project_id = $1 and c.id = taken.id
           returning people, event_people, event_names`,
    values: [projectId, most],
  })
  const people = new Set<number>()
  for (const row of rows) {
    for (const id of row.people) people.add(Number(id))
    for (const [place, id] of row.event_people.entries())
      if (events.has(row.event_names[place]!)) people.add(Number(id))
  }
  const due = await takeDue(client, projectId, now, most)
  for (const id of due) people.add(id)
  return rows.length + due.length === 0 ? undefined : [...people]
}

async function takeDue(client: PoolClient, projectId: number, now: Date, most: number): Promise<number[]> {
  const { rows } = await client.query<{ person_id: number }>({
    name: 'segments_take_due',
    text: `delete from segment_due d using (
             select person_id from segment_due where project_id = $1 and due_at <= $2
             order by due_at limit $3) as taken
           where d.project_id = $1 and d.person_id = taken.person_id returning d.person_id`,
    values: [projectId, now, most],
  })
  return rows.map(({ person_id }) => person_id)
}

/** Notes when each of these people is to be looked at again; replaces what was noted of them. What stays costs a look. */
export async function noteDue(
  client: PoolClient,
  projectId: number,
  people: number[],
  due: { personId: number; at: number }[],
): Promise<void> {
  const waiting = new Set(due.map(({ personId }) => personId))
  await client.query({
    name: 'segments_note_due',
    text: `with gone as (
             delete from segment_due where project_id = $1 and person_id = any($4::bigint[]))
           insert into segment_due (project_id, person_id, due_at)
           select $1, person, at from unnest($2::bigint[], $3::timestamptz[]) as n (person, at)
           where not exists (
             select from segment_due d where d.project_id = $1 and d.person_id = n.person and d.due_at = n.at)
           on conflict (project_id, person_id) do update set due_at = excluded.due_at`,
    values: [
      projectId,
      due.map(({ personId }) => personId),
      due.map(({ at }) => new Date(at)),
      people.filter((id) => !waiting.has(id)),
    ],
  })
}

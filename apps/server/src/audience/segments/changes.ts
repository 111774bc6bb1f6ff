import type { PoolClient } from 'pg'
import { numberArray } from '../../platform/db/array.ts'
import type { Definitions } from './definitions.ts'

/** People that one step looks at, at most: half a second's work. Measured: a fifth more of them a second than with 1,000. */
const maxPeople = 4_000
/** Where there are many segments, judging takes its time: this bounds the transaction. */
const maxAnswers = 800_000
/**
 * People who are put in order at once: whoever changes while these are looked at waits a few seconds. Measured, with 100,000
 * of a million people: PostgreSQL took half the time for neighbours than for people from all over its indexes.
 */
const mostGathered = 50_000
/** Rows of `changed_people` among them, small ones as trickling requests make them. */
const maxRows = 10_000

/**
 * Takes the people that changed, oldest first, each once however often they changed, and those who are due; of those who
 * only did events, the ones whose events some segment asks for. Where they are more than one step looks at, the others are
 * kept for the next steps, neighbours together. What is taken is gone when the transaction commits.
 *
 * @returns undefined when there is nothing to take
 */
export async function takeChanged(
  client: PoolClient,
  projectId: number,
  { needs: { events }, dynamic }: Pick<Definitions, 'needs' | 'dynamic'>,
  now: Date,
): Promise<number[] | undefined> {
  const batch = await takeBatch(client, projectId)
  if (batch) return batch
  const changed = await takeNoted(client, projectId, [...events.keys()])
  const due = await takeDue(client, projectId, now)
  if (!changed && due.length === 0) return undefined
  const people = [...new Set([...(changed ?? []), ...due])].sort((a, b) => a - b)
  const most = Math.min(maxPeople, Math.ceil(maxAnswers / Math.max(1, dynamic.length)))
  if (people.length > most) await keepForLater(client, projectId, people.slice(most), most)
  return people.slice(0, most)
}

async function takeBatch(client: PoolClient, projectId: number): Promise<number[] | undefined> {
  const { rows } = await client.query<{ people: string }>({
    name: 'segments_take_batch',
    text: `delete from changed_batches where project_id = $1 and id = (
             select id from changed_batches where project_id = $1 order by id limit 1)
           returning array_to_string(people, ',') as people`,
    values: [projectId],
  })
  return rows[0] && numbersOf(rows[0].people)
}

/** @param people ascending; `size` of them a step */
export async function keepForLater(
  client: PoolClient,
  projectId: number,
  people: number[],
  size: number,
): Promise<void> {
  await client.query({
    name: 'segments_keep_for_later',
    text: `insert into changed_batches (project_id, people)
           select $1, array_agg(person order by place) from unnest($2::bigint[]) with ordinality as p (person, place)
           group by (place - 1) / $3::integer order by min(place)`,
    values: [projectId, numberArray(people), size],
  })
}

async function takeNoted(
  client: PoolClient,
  projectId: number,
  eventNames: string[],
): Promise<number[] | undefined> {
  const { rows } = await client.query<{ rows: number; people: string | null }>({
    name: 'segments_take_noted',
    text: `with taken as (
             delete from changed_people c using (
               select id from (
                 select id, sum(size) over (order by id) - size as before
                 from (select id, cardinality(people) + cardinality(event_people) as size from changed_people
                       where project_id = $1 order by id limit ${maxRows}) as first
               ) as counted where before < ${mostGathered}) as first
             where c.project_id = $1 and c.id = first.id
             returning people, event_people, event_names),
           noted as (
             select unnest(people) as person from taken
             union
             select e.person from taken, unnest(event_people, event_names) as e (person, name)
             where e.name = any($2::text[]))
           select (select count(*) from taken)::integer as rows, string_agg(person::text, ',') as people
           from noted`,
    values: [projectId, eventNames],
  })
  const { rows: taken, people } = rows[0]!
  return taken === 0 ? undefined : numbersOf(people)
}

async function takeDue(client: PoolClient, projectId: number, now: Date): Promise<number[]> {
  const { rows } = await client.query<{ people: string | null }>({
    name: 'segments_take_due',
    text: `with taken as (
             delete from segment_due d using (
               select person_id from segment_due where project_id = $1 and due_at <= $2
               order by due_at limit ${mostGathered}) as first
             where d.project_id = $1 and d.person_id = first.person_id returning d.person_id)
           select string_agg(person_id::text, ',') as people from taken`,
    values: [projectId, now],
  })
  return numbersOf(rows[0]!.people)
}

/** Of a text: the driver takes ten times as long over an array. */
const numbersOf = (list: string | null): number[] => (list === null ? [] : list.split(',').map(Number))

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
           select $1, person, at from (
             select person, to_timestamp(ms / 1000.0) as at from unnest($2::bigint[], $3::float8[]) as n (person, ms)) as n
           where not exists (
             select from segment_due d where d.project_id = $1 and d.person_id = n.person and d.due_at = n.at)
           on conflict (project_id, person_id) do update set due_at = excluded.due_at`,
    values: [
      projectId,
      numberArray(due.map(({ personId }) => personId)),
      numberArray(due.map(({ at }) => at)),
      numberArray(people.filter((id) => !waiting.has(id))),
    ],
  })
}

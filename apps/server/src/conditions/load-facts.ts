import type { Json, Transaction } from '@fairway/queue'
import type { Recipient } from '../people/lookup.ts'
import { ConditionCompiler } from './condition-sql.ts'
import { dueSql } from './due-sql.ts'
import type { Decided, EventFact, Facts, MessageFact, TriggerFacts } from './facts.ts'
import type { Condition, LeafCondition } from './language.ts'
import { joinNeeds, type Needs, needsOf, noNeeds, sinceOf } from './needs.ts'

/** One evaluation to come. */
export interface Subject {
  person: Recipient
  trigger?: TriggerFacts
}

/** Events or messages of one person that are brought here at most; for people with more, the database answers. */
export const mostHistory = 1_000

/**
 * What the conditions ask of each subject, in the order of the subjects. A statement each for events, messages and
 * segments, however many subjects and conditions there are, and none for what no condition asks. Conditions must be
 * expanded.
 */
export async function loadFacts(
  client: Transaction,
  projectId: number,
  subjects: readonly Subject[],
  conditions: Iterable<Condition>,
  now: Date,
): Promise<Facts[]> {
  const needs = noNeeds()
  for (const condition of conditions) joinNeeds(needs, needsOf(condition))
  const ids = [...new Set(subjects.map(({ person }) => person.id))]
  const events = await loadEvents(client, projectId, subjects, needs, now)
  const messages = needs.messages
    ? await loadMessages(client, projectId, ids)
    : new Map<number, MessageFact[]>()
  const segments = await loadSegments(client, projectId, ids, needs)
  const facts = subjects.map(
    ({ person, trigger }): Facts => ({
      now,
      person,
      trigger,
      events: events.get(person.id)?.byName ?? noEvents,
      messages: messages.get(person.id) ?? [],
      segments: segments.get(person.id) ?? noSegments,
    }),
  )
  const isHeavy = ({ person: { id } }: Facts) =>
    (events.get(id)?.count ?? 0) > mostHistory || (messages.get(id)?.length ?? 0) > mostHistory
  await decide(client, projectId, facts.filter(isHeavy), needs)
  return facts
}

const noEvents = new Map<string, EventFact[]>()
const noSegments = new Set<number>()

interface PersonEvents {
  count: number
  byName: Map<string, EventFact[]>
}

/** Rows travel as one JSON text a person: a third of the time of rows with a column each. */
async function loadEvents(
  client: Transaction,
  projectId: number,
  subjects: readonly Subject[],
  needs: Needs,
  now: Date,
): Promise<Map<number, PersonEvents>> {
  const since = new Map<number, number>()
  for (const { person, trigger } of subjects) {
    const begin = sinceOf(needs, now, trigger)
    since.set(person.id, Math.min(begin, since.get(person.id) ?? Number.POSITIVE_INFINITY))
  }
  const asked = [...since].filter(([, begin]) => begin !== Number.POSITIVE_INFINITY)
  if (needs.events.size === 0 || asked.length === 0) return new Map()
  const names = [...needs.events.keys()]
  const { rows } = await client.query(
    `select asked.person, found.events
     from unnest($2::bigint[], $3::timestamptz[]) as asked (person, since)
     cross join lateral (
       select json_agg(json_build_array(name, at, id, properties))::text as events
       from (
         select array_position($4::text[], e.folded_name) - 1 as name,
           (extract(epoch from e.occurred_at) * 1000)::bigint as at, e.id,
           case when e.folded_name = any($5::text[]) then e.properties end as properties
         from events e
         where e.project_id = $1 and e.person_id = asked.person and e.folded_name = any($4::text[])
           and e.occurred_at >= asked.since
         order by e.occurred_at desc limit ${mostHistory + 1}) as e) as found
     where found.events is not null`,
    [
      projectId,
      asked.map(([person]) => person),
      asked.map(([, begin]) => (begin === Number.NEGATIVE_INFINITY ? '-infinity' : new Date(begin))),
      names,
      names.filter((name) => needs.events.get(name)!.properties),
    ],
  )
  return new Map(
    (rows as { person: number; events: string }[]).map((row) => [row.person, readEvents(row.events, names)]),
  )
}

function readEvents(text: string, names: string[]): PersonEvents {
  const list = JSON.parse(text) as [number, number, string, Record<string, Json> | null][]
  const byName = new Map<string, EventFact[]>()
  for (const [name, at, id, properties] of list) {
    const event = { id, at, properties: properties ?? {} }
    const same = byName.get(names[name]!)
    if (same) same.push(event)
    else byName.set(names[name]!, [event])
  }
  return { count: list.length, byName }
}

/** Only those that left, for real. */
async function loadMessages(
  client: Transaction,
  projectId: number,
  people: number[],
): Promise<Map<number, MessageFact[]>> {
  const { rows } = await client.query(
    `select asked.person, found.messages
     from unnest($2::bigint[]) as asked (person)
     cross join lateral (
       select json_agg(json_build_object('campaignId', campaign_id, 'templateId', template_id, 'sentAt', sent,
         'openedAt', opened, 'clickedAt', clicked)) as messages
       from (
         select campaign_id, template_id, (extract(epoch from opened_at) * 1000)::bigint as opened,
           (extract(epoch from clicked_at) * 1000)::bigint as clicked,
           case when state = 'sent' then (extract(epoch from settled_at) * 1000)::bigint end as sent
         from messages
         where project_id = $1 and person_id = asked.person and not test
           and (state = 'sent' or opened_at is not null or clicked_at is not null)
         order by created_at desc limit ${mostHistory + 1}) as m) as found
     where found.messages is not null`,
    [projectId, people],
  )
  return new Map(
    (rows as { person: number; messages: MessageFact[] }[]).map((row) => [row.person, row.messages]),
  )
}

async function loadSegments(
  client: Transaction,
  projectId: number,
  people: number[],
  { segments }: Needs,
): Promise<Map<number, Set<number>>> {
  if (segments.size === 0) return new Map()
  const { rows } = await client.query(
    `select person_id as person, array_agg(segment_id) as segments from segment_members
     where project_id = $1 and person_id = any($2::bigint[]) and segment_id = any($3::integer[]) group by person_id`,
    [projectId, people, [...segments]],
  )
  return new Map(
    (rows as { person: number; segments: number[] }[]).map((row) => [row.person, new Set(row.segments)]),
  )
}

/** Leaves that one statement answers: well below the parameters that PostgreSQL takes. */
const leavesPerStatement = 100

/** Asks the database what these people's history makes of the conditions. */
async function decide(
  client: Transaction,
  projectId: number,
  heavy: Facts[],
  { historic }: Needs,
): Promise<void> {
  const leaves = [...historic]
  for (const group of byTrigger(heavy)) {
    const answers = new Map<number, Map<LeafCondition, Decided>>(
      group.map(({ person }) => [person.id, new Map()]),
    )
    for (let at = 0; at < leaves.length; at += leavesPerStatement) {
      await decideLeaves(client, projectId, group[0]!, leaves.slice(at, at + leavesPerStatement), answers)
    }
    for (const facts of group) facts.decided = answers.get(facts.person.id)
  }
}

/** A trigger is part of the question; people without one, as in segments, are asked for together. */
function byTrigger(heavy: Facts[]): Iterable<Facts[]> {
  const groups = new Map<string, Facts[]>()
  for (const facts of heavy) {
    const id = facts.trigger?.id ?? ''
    groups.set(id, [...(groups.get(id) ?? []), facts])
  }
  return groups.values()
}

async function decideLeaves(
  client: Transaction,
  projectId: number,
  { now, trigger }: Facts,
  leaves: LeafCondition[],
  answers: Map<number, Map<LeafCondition, Decided>>,
): Promise<void> {
  const compiler = new ConditionCompiler(projectId, now, 'probes', { trigger })
  const held = leaves.map((leaf) => compiler.compile(leaf))
  const due = leaves.map((leaf) => dueSql([leaf], compiler.context) ?? 'null')
  const people = compiler.context.parameters.add([...answers.keys()], 'bigint[]')
  const { rows } = await client.query(
    `select p.id, array[${held.join(', ')}] as held, array[${due.join(', ')}]::timestamptz[] as due
     from people p where p.project_id = ${compiler.context.project} and p.id = any(${people})`,
    compiler.values,
  )
  for (const row of rows as { id: number; held: boolean[]; due: (Date | null)[] }[])
    for (const [place, leaf] of leaves.entries())
      answers
        .get(row.id)!
        .set(leaf, { holds: row.held[place]!, due: row.due[place]?.getTime() ?? Number.POSITIVE_INFINITY })
}

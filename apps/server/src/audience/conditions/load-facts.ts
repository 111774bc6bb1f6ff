import type { Json, Transaction } from '@fairway/queue'
import type { Recipient } from '../people/lookup.ts'
import { ConditionCompiler } from './condition-sql.ts'
import { dueSql } from './due-sql.ts'
import type { Decided, EventFact, Facts, MessageFact, TriggerFacts } from './facts.ts'
import type { LeafCondition } from './kinds.ts'
import type { Condition } from './language.ts'
import { joinNeeds, type Needs, needsOf, noNeeds, sinceOf } from './needs.ts'

/** One evaluation to come. */
export interface Subject {
  person: Recipient
  trigger?: TriggerFacts
}

/** Events or messages of one person that are brought here at most; for people with more, the database answers. */
export const maxHistory = 1_000

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
  const events = await loadEvents(client, projectId, ids, needs, sinceOf(needs, now, triggersOf(subjects)))
  const messages = needs.messages
    ? await loadMessages(client, projectId, ids)
    : new Map<number, MessageFact[]>()
  const segments = await loadSegments(client, projectId, ids, needs)
  const timezone = needs.zones ? await loadTimezone(client, projectId) : undefined
  const facts = subjects.map(({ person, trigger }): Facts => {
    const { id } = person
    return new LoadedFacts(
      {
        now,
        person,
        trigger,
        messages: messages.get(id) ?? [],
        segments: segments.get(id) ?? noSegments,
        timezone,
      },
      events.get(id),
    )
  })
  const isHeavy = ({ person: { id } }: Facts) =>
    (events.get(id)?.count ?? 0) > maxHistory || (messages.get(id)?.length ?? 0) > maxHistory
  await decide(client, projectId, facts.filter(isHeavy), needs)
  return facts
}

const noEvents = new Map<string, readonly EventFact[]>()
const noSegments = new Set<number>()

/** One of each; people of segments have none. */
const triggersOf = (subjects: readonly Subject[]): Iterable<TriggerFacts | undefined> =>
  new Map(subjects.map(({ trigger }) => [trigger?.id, trigger])).values()

interface PersonEvents {
  count: number
  /** Names and times by turns, a line each. */
  times?: string
  detailed: [name: string, events: EventFact[]][]
}

/**
 * Reads the times when they are first asked for: people wait to be judged, and lists of objects that wait are copied by the
 * garbage collector, one text is not. A copy made by spreading has no `events`.
 */
class LoadedFacts implements Facts {
  readonly now: Date
  readonly person: Recipient
  readonly trigger: TriggerFacts | undefined
  readonly messages: readonly MessageFact[]
  readonly segments: ReadonlySet<number>
  readonly timezone: string | undefined
  decided?: Facts['decided']
  instants?: Facts['instants']
  readonly #history: PersonEvents | undefined
  #events: ReadonlyMap<string, readonly EventFact[]> | undefined

  constructor(known: Omit<Facts, 'events'>, history: PersonEvents | undefined) {
    this.now = known.now
    this.person = known.person
    this.trigger = known.trigger
    this.messages = known.messages
    this.segments = known.segments
    this.timezone = known.timezone
    this.#history = history
  }

  get events(): ReadonlyMap<string, readonly EventFact[]> {
    return (this.#events ??= this.#history ? readEvents(this.#history) : noEvents)
  }
}

async function loadEvents(
  client: Transaction,
  projectId: number,
  people: number[],
  { events }: Needs,
  since: number,
): Promise<Map<number, PersonEvents>> {
  const found = new Map<number, PersonEvents>()
  if (since === Number.POSITIVE_INFINITY) return found
  const from = since === Number.NEGATIVE_INFINITY ? '-infinity' : new Date(since)
  const names = (detailed: boolean) =>
    [...events].filter(([, need]) => need.detailed === detailed).map(([name]) => name)
  const historyOf = (person: number): PersonEvents => {
    let history = found.get(person)
    if (!history) found.set(person, (history = { count: 0, detailed: [] }))
    return history
  }
  await loadTimes(client, [projectId, people, names(false), from], historyOf)
  await loadDetails(client, [projectId, people, names(true), from], historyOf)
  return found
}

type Asked = [projectId: number, people: number[], names: string[], since: Date | string]
/** `extract` would make a numeric first. */
const occurredMs = `(date_part('epoch', occurred_at) * 1000)::bigint`
type HistoryOf = (person: number) => PersonEvents

/**
 * The common case, read from the index alone: a text a person. A row a person and name took twice the time, as a group of its
 * own each, and one an event a third more.
 */
async function loadTimes(client: Transaction, asked: Asked, historyOf: HistoryOf): Promise<void> {
  const [projectId, people, names, since] = asked
  if (names.length === 0) return
  const { rows } = await client.query(
    `select person_id as person, count(*)::integer as count,
       case when count(*) <= ${maxHistory} then string_agg(
         folded_name || E'\n' || ${occurredMs}, E'\n') end as times
     from events
     where project_id = $1 and person_id = any($2::bigint[]) and folded_name = any($3::text[]) and occurred_at >= $4
     group by person_id`,
    [projectId, people, toBeHashed(names), since],
  )
  for (const { person, count, times } of rows as { person: number; count: number; times: string | null }[]) {
    const history = historyOf(person)
    history.count += count
    if (times !== null) history.times = times
  }
}

/** PostgreSQL looks into a list of nine by hash, into a shorter one word by word: that took a sixth of the statement's time. */
const toBeHashed = (names: string[]) => names.concat(Array(Math.max(0, 9 - names.length)).fill(names[0]))

function readEvents({ times, detailed }: PersonEvents): Map<string, readonly EventFact[]> {
  const byName = new Map<string, EventFact[]>(detailed)
  // Folded names hold no line breaks.
  const lines = times === undefined ? [] : times.split('\n')
  for (let place = 0; place < lines.length; place += 2) {
    const name = lines[place]!
    const fact = { id: '', at: Number(lines[place + 1]), properties: noProperties }
    const facts = byName.get(name)
    if (facts) facts.push(fact)
    else byName.set(name, [fact])
  }
  return byName
}

const noProperties = {}

/** With properties, a JSON text a person and name. */
async function loadDetails(client: Transaction, asked: Asked, historyOf: HistoryOf): Promise<void> {
  if (asked[2].length === 0) return
  const { rows } = await client.query(
    `select asked.person, asked.name, found.events
     from (select person, name from unnest($2::bigint[]) as p (person), unnest($3::text[]) as n (name)) as asked
     cross join lateral (
       select json_agg(json_build_array(${occurredMs}, id, properties))::text as events
       from (
         select occurred_at, id, properties from events
         where project_id = $1 and person_id = asked.person and folded_name = asked.name and occurred_at >= $4
         order by occurred_at desc limit ${maxHistory + 1}) as e) as found
     where found.events is not null`,
    asked,
  )
  for (const { person, name, events } of rows as { person: number; name: string; events: string }[]) {
    const list = JSON.parse(events) as [number, string, Record<string, Json>][]
    const history = historyOf(person)
    history.count += list.length
    history.detailed.push([name, list.map(([at, id, properties]) => ({ id, at, properties }))])
  }
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
         order by created_at desc limit ${maxHistory + 1}) as m) as found
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

async function loadTimezone(client: Transaction, projectId: number): Promise<string | undefined> {
  const { rows } = await client.query('select timezone from projects where id = $1', [projectId])
  return (rows as { timezone: string }[])[0]?.timezone
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
  const compiler = new ConditionCompiler(projectId, now, 'probes', { trigger, zones: undefined })
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

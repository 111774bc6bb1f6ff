import type { Json, Transaction } from '@fairway/queue'
import { foldName } from '../ingest/item.ts'
import type { TriggerFacts } from './evaluate.ts'
import { type Condition, durationMs, type EventCondition, leavesOf } from './language.ts'
import { Parameters, propertySql, testSql } from './sql.ts'
import { readProperty } from './values.ts'

/** One question: how often did this person do what the condition counts? */
export interface CountRequest {
  personId: number
  trigger?: TriggerFacts
  condition: EventCondition
}

export type CountEvents = (request: CountRequest) => number

/** The requests that one person's conditions make. */
export function countRequestsOf(
  condition: Condition,
  personId: number,
  trigger: TriggerFacts | undefined,
): CountRequest[] {
  const requests: CountRequest[] = []
  for (const leaf of leavesOf(condition))
    if ('event' in leaf) requests.push({ personId, trigger, condition: leaf })
  return requests
}

/** PostgreSQL takes 65,535 parameters; one condition adds a few hundred at the very most. */
const parametersPerStatement = 32_000

/**
 * Counts the events of all requests in one statement, however many people and conditions there are (in two or more
 * when the conditions are thousands); none when there are no requests. Each count reads no further than its
 * condition's comparison needs.
 */
export async function loadEventCounts(
  client: Transaction,
  projectId: number,
  requests: readonly CountRequest[],
  now: Date,
): Promise<CountEvents> {
  const counts = new Map<string, number>()
  let groups = groupRequests(requests)
  while (groups.length > 0) {
    const parameters = new Parameters()
    const project = parameters.add(projectId, 'integer')
    const parts: string[] = []
    for (const group of groups) {
      if (parameters.values.length > parametersPerStatement) break
      parts.push(countSql(project, group, parts.length, now, parameters))
    }
    const { rows } = await client.query(parts.join('\nunion all\n'), parameters.values)
    for (const row of rows as CountRow[]) counts.set(groups[row.condition]!.keys[row.place]!, row.count)
    groups = groups.slice(parts.length)
  }
  return (request) => counts.get(keyOf(request)) ?? 0
}

interface CountRow {
  /** Which part of the statement, and which of its requests. */
  condition: number
  place: number
  count: number
}

interface Group {
  condition: EventCondition
  /** One per distinct request, in the order of `requests`. */
  keys: string[]
  requests: CountRequest[]
}

/** Requests that share a condition become one part of the statement; a question asked twice is answered once. */
function groupRequests(requests: readonly CountRequest[]): Group[] {
  const groups = new Map<string, Group>()
  const seen = new Set<string>()
  for (const request of requests) {
    const key = keyOf(request)
    if (seen.has(key)) continue
    seen.add(key)
    const conditionKey = conditionKeyOf(request.condition)
    const group = groups.get(conditionKey) ?? { condition: request.condition, keys: [], requests: [] }
    groups.set(conditionKey, group)
    group.keys.push(key)
    group.requests.push(request)
  }
  return [...groups.values()]
}

const conditionKeys = new WeakMap<EventCondition, string>()

function conditionKeyOf(condition: EventCondition): string {
  let key = conditionKeys.get(condition)
  if (key === undefined) conditionKeys.set(condition, (key = JSON.stringify(condition)))
  return key
}

/** Two triggers ask the same question unless the condition speaks of the trigger. */
function keyOf({ personId, trigger, condition }: CountRequest): string {
  const concernsTrigger = condition.within === 'since_trigger' || condition.scopedBy !== undefined
  return `${personId} ${concernsTrigger ? (trigger?.id ?? '') : ''} ${conditionKeyOf(condition)}`
}

function countSql(project: string, group: Group, index: number, now: Date, parameters: Parameters): string {
  const { condition, requests } = group
  const people = parameters.add(
    requests.map(({ personId }) => personId),
    'bigint[]',
  )
  const since = parameters.add(
    requests.map((request) => sinceOf(request, now)),
    'timestamptz[]',
  )
  const triggers = parameters.add(
    requests.map(({ trigger }) => trigger?.id ?? null),
    'uuid[]',
  )
  const scopes = parameters.add(
    requests.map((request) => scopeOf(request)),
    'jsonb[]',
  )
  const filters = [
    `e.project_id = ${project}`,
    'e.person_id = asked.person',
    `e.folded_name = ${parameters.add(foldName(condition.event), 'text')}`,
    'e.occurred_at >= asked.since',
    ...(condition.where ?? []).map((test) =>
      testSql(propertySql('e.properties', test.property, parameters), test, now, parameters),
    ),
  ]
  // The trigger itself is not "since the trigger", though another event of the same millisecond is.
  if (condition.within === 'since_trigger') filters.push('e.id <> asked.trigger')
  if (condition.scopedBy !== undefined) {
    const scoped = propertySql('e.properties', condition.scopedBy, parameters)
    filters.push(`coalesce(condition_same(${scoped}, asked.scope), false)`)
  }
  return `select ${index} as condition, (asked.place - 1)::integer as place, counted.count
    from unnest(${people}, ${since}, ${triggers}, ${scopes}) with ordinality
      as asked (person, since, trigger, scope, place),
    lateral (
      select count(*)::integer as count
      from (select from events e where ${filters.join(' and ')} limit ${neededCount(condition)}) as found
    ) as counted`
}

function sinceOf({ condition, trigger }: CountRequest, now: Date): Date | string {
  if (condition.within === undefined) return '-infinity'
  if (condition.within === 'since_trigger') return trigger?.at ?? 'infinity'
  return new Date(now.getTime() - durationMs(condition.within.last))
}

function scopeOf({ condition, trigger }: CountRequest): string | null {
  if (condition.scopedBy === undefined) return null
  const value: Json | undefined = readProperty(trigger?.properties ?? {}, condition.scopedBy)
  return value === undefined ? null : JSON.stringify(value)
}

/** "At least 3 times" is known after 3 events, "exactly 3" and "more than 3" after 4. */
const neededCount = ({ count }: EventCondition): number => (count ? count.value + 1 : 1)

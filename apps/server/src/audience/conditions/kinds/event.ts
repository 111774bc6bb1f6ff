import type { Json } from '@fairway/queue'
import Type, { type Static } from 'typebox'
import { foldName } from '../../items/item.ts'
import { allowOnly, optionalTruth, refuse, text } from '../check.ts'
import type { EventFact, Facts, TriggerFacts } from '../facts.ts'
import type { Measure } from '../history.ts'
import {
  aggregateMeasure,
  aggregateSchema,
  aggregateTest,
  checkAggregate,
  describeAggregate,
} from '../parts/aggregate.ts'
import { checkCount, countHolds, countMeasure, countSchema, describeCount } from '../parts/count.ts'
import { limits } from '../parts/limits.ts'
import { checkRelated, describeRelated, relatedFilter, relatedSchema, relatedSql } from '../parts/related.ts'
import { closed, nameSchema } from '../parts/schemas.ts'
import {
  checkTimeTest,
  compare,
  describeTime,
  offsetsOfTime,
  type TimeTest,
  timeOf,
  timeTestSchema,
} from '../parts/time.ts'
import {
  checkWhere,
  describeWhere,
  type EventFilter,
  eventFilters,
  whereFilters,
  whereOffsets,
  whereSchema,
} from '../parts/where.ts'
import {
  checkWindow,
  describeWindow,
  windowOffsets,
  windowSchema,
  windowSql,
  windowStart,
  windowTest,
} from '../parts/window.ts'
import { instantSql, propertySql } from '../property-sql.ts'
import type { SqlContext } from '../sql-context.ts'
import { readInstant, readProperty, sameValue } from '../values.ts'
import { type Crossing, crossingSql, type LeafKind, sorted, uncrossedSql } from './kind.ts'

const schema = Type.Object(
  {
    event: nameSchema,
    /** Default true. */
    did: Type.Optional(Type.Boolean()),
    /** Default: at least once. */
    count: Type.Optional(countSchema),
    /** Instead of a count: when the first or the last one happened. */
    first: Type.Optional(timeTestSchema),
    last: Type.Optional(timeTestSchema),
    /** Instead of a count: the sum, average, least or greatest of a property's numbers. */
    aggregate: Type.Optional(aggregateSchema),
    /** Default: ever. */
    within: Type.Optional(Type.Union([Type.Literal('since_trigger'), ...windowSchema.anyOf])),
    /** Only events that pass all of these are counted. */
    where: Type.Optional(whereSchema),
    /** Only events are counted whose property of this name is the same as the trigger's. */
    scopedBy: Type.Optional(nameSchema),
    related: Type.Optional(relatedSchema),
  },
  closed,
)
export type EventCondition = Static<typeof schema>

const measures = ['count', 'first', 'last', 'aggregate'] as const

export const event: LeafKind<EventCondition> = {
  schema,
  check(members, path, context) {
    allowOnly(members, path, ['event', 'did', ...measures, 'within', 'where', 'scopedBy', 'related'])
    text(members.event, `${path}.event`, limits.maxNameLength)
    optionalTruth(members.did, `${path}.did`)
    if (measures.filter((name) => members[name] !== undefined).length > 1)
      throw refuse(path, `may have only one of ${measures.join(', ')}`)
    if (members.count !== undefined) checkCount(members.count, `${path}.count`)
    for (const name of ['first', 'last'] as const)
      if (members[name] !== undefined) checkTimeTest(members[name], `${path}.${name}`)
    if (members.aggregate !== undefined) checkAggregate(members.aggregate, `${path}.aggregate`)
    if (members.within === 'since_trigger') context.needTrigger(`${path}.within`)
    else if (members.within !== undefined) checkWindow(members.within, `${path}.within`)
    if (members.scopedBy !== undefined) {
      context.needTrigger(`${path}.scopedBy`)
      text(members.scopedBy, `${path}.scopedBy`, limits.maxNameLength)
    }
    checkWhere(members.where, `${path}.where`, context)
    if (members.related !== undefined) checkRelated(members.related, `${path}.related`, context)
  },
  describe({ event, did = true, count, first, last, aggregate, within, where, scopedBy, related }) {
    const words = [did ? 'did' : 'did not do', JSON.stringify(event)]
    if (count) words.push(`${describeCount(count)} times`)
    if (first) words.push(`for the first time ${first.operator} ${describeTime(first.value)}`)
    if (last) words.push(`for the last time ${last.operator} ${describeTime(last.value)}`)
    if (aggregate) words.push(describeAggregate(aggregate))
    words.push(...describeWhere(where))
    if (scopedBy) words.push(`with the trigger's ${scopedBy}`)
    if (within === 'since_trigger') words.push('since the trigger')
    else if (within) words.push(describeWindow(within))
    if (related) words.push(describeRelated(related))
    return words.join(' ')
  },
  needs(leaf) {
    const { event, aggregate, where, scopedBy, related, within } = leaf
    const detailed = Boolean(aggregate || where || scopedBy || related || within === 'since_trigger')
    const events = [{ event, detailed }]
    if (related) events.push({ event: related.event, detailed: true })
    return { events, since: (now, trigger) => sinceOf(leaf, now, trigger) }
  },
  test(leaf) {
    const name = foldName(leaf.event)
    const did = leaf.did ?? true
    const filters = whereFilters(leaf.where)
    if (leaf.within !== undefined) filters.push(windowFilter(leaf.within))
    if (leaf.scopedBy !== undefined) filters.push(scopeFilter(leaf.scopedBy))
    if (leaf.related !== undefined) filters.push(relatedFilter(leaf.related))
    const keep = everyFilter(filters)
    const measure = measureOf(leaf)
    return (facts) => {
      const all = facts.events.get(name) ?? none
      const holds = measure
        ? measure(keep ? all.filter((event) => keep(event, facts)) : all, facts.now)
        : countHolds(keep ? countKept(all, keep, facts) : all.length, leaf.count)
      return holds === did
    }
  },
  sql(leaf, compiler) {
    const { context } = compiler
    const filters = [...eventFilters('h', leaf.event, leaf.where, context)]
    if (leaf.within !== undefined) filters.push(...withinSql(leaf.within, context))
    if (leaf.scopedBy !== undefined) filters.push(scopeSql(leaf.scopedBy, context))
    if (leaf.related !== undefined) filters.push(relatedSql(leaf.related, context))
    const found = compiler.history({ from: 'events h', filters, ...measureSql(leaf, context) })
    return (leaf.did ?? true) ? found : `(not ${found})`
  },
  due(leaf) {
    const name = foldName(leaf.event)
    const since = leaf.within && {
      key: windowKey(leaf),
      of: (now: Date, trigger: TriggerFacts | undefined) => sinceOf(leaf, now, trigger),
    }
    const { times, properties } = offsetsOf(leaf)
    return [
      ...times.map(
        (offset): Crossing => ({
          key: `e ${name}`,
          historic: true,
          offset,
          since,
          instants: ({ events }) => sorted((events.get(name) ?? none).map(({ at }) => at)),
        }),
      ),
      ...properties.map(
        ({ event, property, offset }): Crossing => ({
          key: `${event}\0${property}\0${since?.key}`,
          historic: true,
          offset,
          instants: ({ events, now, trigger }) => {
            const from = since?.of(now, trigger) ?? Number.NEGATIVE_INFINITY
            const counted = (events.get(event) ?? none).filter(({ at }) => at >= from)
            return sorted(counted.map(({ properties }) => readInstant(readProperty(properties, property))))
          },
        }),
      ),
    ]
  },
  dueSql(leaf, context) {
    const { parameters, project, now, trigger } = context
    const since = sinceOf(leaf, now, trigger)
    if (since === Number.POSITIVE_INFINITY) return []
    const { times, properties } = offsetsOf(leaf)
    const events = (name: string) =>
      `events h where h.project_id = ${project} and h.person_id = p.id and h.folded_name = ${parameters.add(name, 'text')}${
        since === Number.NEGATIVE_INFINITY
          ? ''
          : ` and h.occurred_at >= ${parameters.add(new Date(since), 'timestamptz')}`
      }`
    const earliest = (name: string, instant: string, offset: number) =>
      `(select ${crossingSql(`min(${instant})`, offset, context)} from ${events(name)}
         and ${uncrossedSql(instant, offset, context)} having count(*) > 0)`
    return [
      ...times.map((offset) => earliest(foldName(leaf.event), 'h.occurred_at', offset)),
      ...properties.map(({ event, property, offset }) =>
        earliest(event, instantSql(propertySql('h.properties', property, parameters)), offset),
      ),
    ]
  },
}

const none: readonly EventFact[] = []

/** How far back it looks; events before it never count. */
function sinceOf({ within, related }: EventCondition, now: Date, trigger: TriggerFacts | undefined): number {
  if (within === undefined || (related && !related.after)) return Number.NEGATIVE_INFINITY
  if (within === 'since_trigger') return trigger?.at.getTime() ?? Number.POSITIVE_INFINITY
  return windowStart(within, now)
}

/** What tells apart how far back conditions look. */
const windowKey = ({ within, related }: EventCondition): string =>
  JSON.stringify([within, related !== undefined && !related.after])

/** Every offset from now, ms, that times of events or properties of events are compared with. */
function offsetsOf({ event, within, first, last, where, related }: EventCondition) {
  const window = within === undefined || within === 'since_trigger' ? [] : windowOffsets(within)
  return {
    times: [...window, ...offsetsOfTime(first?.value), ...offsetsOfTime(last?.value)],
    properties: [
      ...whereOffsets(event, where),
      ...(related ? whereOffsets(related.event, related.where) : []),
    ],
  }
}

function everyFilter(filters: EventFilter[]): EventFilter | undefined {
  if (filters.length < 2) return filters[0]
  return (event, facts) => filters.every((keep) => keep(event, facts))
}

/** Without a list of them: this runs for every changed person and segment. */
function countKept(events: readonly EventFact[], keep: EventFilter, facts: Facts): number {
  let count = 0
  for (const event of events) if (keep(event, facts)) count++
  return count
}

function windowFilter(within: NonNullable<EventCondition['within']>): EventFilter {
  if (within !== 'since_trigger') {
    const inside = windowTest(within)
    return (event, { now }) => inside(event.at, now)
  }
  // The trigger itself is not "since the trigger", though another event of the same millisecond is.
  return (event, { trigger }) =>
    trigger !== undefined && event.at >= trigger.at.getTime() && event.id !== trigger.id
}

function withinSql(within: NonNullable<EventCondition['within']>, context: SqlContext): string[] {
  if (within !== 'since_trigger') return windowSql('h.occurred_at', within, context)
  const { trigger, parameters } = context
  if (!trigger) return ['false']
  return [
    `h.occurred_at >= ${parameters.add(trigger.at, 'timestamptz')}`,
    `h.id <> ${parameters.add(trigger.id, 'uuid')}`,
  ]
}

const scopeFilter =
  (property: string): EventFilter =>
  (event, { trigger }) =>
    sameValue(readProperty(event.properties, property), readProperty(trigger?.properties ?? {}, property))

function scopeSql(property: string, { parameters, trigger }: SqlContext): string {
  const value: Json | undefined = readProperty(trigger?.properties ?? {}, property)
  if (value === undefined || value === null) return 'false'
  const scoped = propertySql('h.properties', property, parameters)
  return `coalesce(condition_same(${scoped}, ${parameters.add(JSON.stringify(value), 'jsonb')}), false)`
}

type EventsTest = (events: readonly EventFact[], now: Date) => boolean

/** What looks at more than how many there are. */
function measureOf({ first, last, aggregate }: EventCondition): EventsTest | undefined {
  if (aggregate) return aggregateTest(aggregate)
  if (first) return timeMeasure(first, Math.min)
  return last && timeMeasure(last, Math.max)
}

function measureSql({ first, last, aggregate, count }: EventCondition, context: SqlContext): Measure {
  if (aggregate) return aggregateMeasure(aggregate, context)
  if (first) return timeMeasureSql(first, 'min', context)
  return last ? timeMeasureSql(last, 'max', context) : countMeasure(count)
}

const timeMeasure =
  ({ operator, value }: TimeTest, best: (a: number, b: number) => number): EventsTest =>
  (events, now) => {
    if (events.length === 0) return false
    const at = events.reduce((found, event) => best(found, event.at), events[0]!.at)
    return compare(at, operator, timeOf(value, now))
  }

const timeMeasureSql = (
  { operator, value }: TimeTest,
  best: 'min' | 'max',
  { parameters, now }: SqlContext,
): Measure => ({
  measure: `coalesce(${best}(h.occurred_at) ${operator} ${parameters.add(new Date(timeOf(value, now)), 'timestamptz')}, false)`,
  ofNone: false,
})

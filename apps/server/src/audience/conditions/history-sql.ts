import type { Json } from '@fairway/queue'
import { foldName } from '../items/item.ts'
import type { TriggerFacts } from './facts.ts'
import {
  type Count,
  durationMs,
  type EventCondition,
  type EventPropertyCondition,
  type MessageCondition,
  type RelatedEvent,
  type TimeTest,
  type Window,
} from './language.ts'
import { timeOf } from './leaf-test.ts'
import type { Parameters } from './parameters.ts'
import { propertySql, testSql } from './property-sql.ts'
import { readProperty } from './values.ts'

/** What conditions count in the database: rows of one table that belong to a person and pass all filters. */
export interface History {
  /** `events h` or `messages h`. */
  from: string
  filters: string[]
  /** SQL that measures a person's rows, for `having`, and whether it is true of no rows at all. */
  measure: string
  ofNone: boolean
  /** More rows make no difference; undefined for measures that need all. */
  enough?: number
}

export interface SqlContext {
  parameters: Parameters
  /** Place of the project's id. */
  project: string
  now: Date
  trigger?: TriggerFacts
}

/** The counterpart of the event test in `leaf-test.ts`. */
export function eventHistory(leaf: EventCondition, context: SqlContext): History {
  const filters = [...eventFilters('h', leaf.event, leaf.where, context)]
  if (leaf.within !== undefined) filters.push(...eventWindowSql(leaf.within, context))
  if (leaf.scopedBy !== undefined) filters.push(scopeSql(leaf.scopedBy, context))
  if (leaf.related !== undefined) filters.push(relatedSql(leaf.related, context))
  return { from: 'events h', filters, ...measureOf(leaf, context) }
}

function eventFilters(
  alias: string,
  event: string,
  where: EventPropertyCondition[] = [],
  { project, parameters, now }: SqlContext,
): string[] {
  return [
    `${alias}.project_id = ${project}`,
    `${alias}.folded_name = ${parameters.add(foldName(event), 'text')}`,
    ...where.map((test) =>
      testSql(propertySql(`${alias}.properties`, test.property, parameters), test, now, parameters),
    ),
  ]
}

function eventWindowSql(within: NonNullable<EventCondition['within']>, context: SqlContext): string[] {
  if (within !== 'since_trigger') return windowSql('h.occurred_at', within, context)
  const { trigger, parameters } = context
  if (!trigger) return ['false']
  return [
    `h.occurred_at >= ${parameters.add(trigger.at, 'timestamptz')}`,
    `h.id <> ${parameters.add(trigger.id, 'uuid')}`,
  ]
}

function windowSql(time: string, window: Window, { parameters, now }: SqlContext): string[] {
  const at = (ms: number) => parameters.add(new Date(ms), 'timestamptz')
  if ('last' in window) return [`${time} >= ${at(now.getTime() - durationMs(window.last))}`]
  return [
    ...(window.after === undefined ? [] : [`${time} >= ${at(timeOf(window.after, now))}`]),
    ...(window.before === undefined ? [] : [`${time} < ${at(timeOf(window.before, now))}`]),
  ]
}

function scopeSql(property: string, { parameters, trigger }: SqlContext): string {
  const value: Json | undefined = readProperty(trigger?.properties ?? {}, property)
  if (value === undefined || value === null) return 'false'
  const scoped = propertySql('h.properties', property, parameters)
  return `coalesce(condition_same(${scoped}, ${parameters.add(JSON.stringify(value), 'jsonb')}), false)`
}

function relatedSql(
  { event, did = true, scopedBy, after, where }: RelatedEvent,
  context: SqlContext,
): string {
  const scope = (alias: string) => propertySql(`${alias}.properties`, scopedBy, context.parameters)
  const filters = [
    ...eventFilters('r', event, where, context),
    'r.person_id = h.person_id',
    'r.id <> h.id',
    ...(after ? ['r.occurred_at >= h.occurred_at'] : []),
    `coalesce(condition_same(${scope('r')}, ${scope('h')}), false)`,
  ]
  return `${did ? '' : 'not '}exists (select from events r where ${filters.join(' and ')})`
}

function measureOf(
  leaf: EventCondition,
  context: SqlContext,
): Pick<History, 'measure' | 'ofNone' | 'enough'> {
  if (leaf.first) return timeMeasure('min', leaf.first, context)
  if (leaf.last) return timeMeasure('max', leaf.last, context)
  return countMeasure(leaf.count)
}

const timeMeasure = (
  best: 'min' | 'max',
  { operator, value }: TimeTest,
  { parameters, now }: SqlContext,
) => ({
  measure: `coalesce(${best}(h.occurred_at) ${operator} ${parameters.add(new Date(timeOf(value, now)), 'timestamptz')}, false)`,
  ofNone: false,
})

function countMeasure(count: Count | undefined): Pick<History, 'measure' | 'ofNone' | 'enough'> {
  if (count === undefined) return { measure: 'count(*) >= 1', ofNone: false, enough: 1 }
  const { operator, value } = count
  const ofNone = { '=': value === 0, '>=': value === 0, '<=': true, '>': false, '<': value > 0 }[operator]
  // "At least 3" is known after 3, "exactly 3" and "more than 3" after 4.
  return { measure: `count(*) ${operator} ${value}`, ofNone, enough: value + 1 }
}

const messageColumns = { sent: 'settled_at', opened: 'opened_at', clicked: 'clicked_at' } as const

/** The counterpart of the message test in `leaf-test.ts`. */
export function messageHistory(leaf: MessageCondition, context: SqlContext): History {
  const { parameters, project } = context
  const filters = [`h.project_id = ${project}`, 'h.person_id is not null', ...messageFilters(leaf)]
  if (leaf.within !== undefined) filters.push(...windowSql(messageTime(leaf), leaf.within, context))
  if (leaf.campaign !== undefined) filters.push(`h.campaign_id = ${parameters.add(leaf.campaign, 'integer')}`)
  if (leaf.template !== undefined) filters.push(`h.template_id = ${parameters.add(leaf.template, 'integer')}`)
  return { from: 'messages h', filters, ...countMeasure(leaf.count) }
}

export const messageTime = (leaf: MessageCondition): string => `h.${messageColumns[leaf.message]}`

/** Test messages never went to anybody. */
export const messageFilters = (leaf: MessageCondition): string[] =>
  leaf.message === 'sent'
    ? [`h.state = 'sent'`, 'not h.test']
    : [`${messageTime(leaf)} is not null`, 'not h.test']

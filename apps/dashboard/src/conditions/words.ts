import { formatDateTime, plural } from '../lib/format.ts'
import {
  type Condition,
  type Count,
  type DateValue,
  type Duration,
  type EventLeaf,
  isDateValue,
  isRelative,
  type MessageLeaf,
  type Moment,
  type Operator,
  splitDuration,
  type Test,
  type Value,
  type Window,
} from './language.ts'

/** What ids in conditions are called. */
export interface Names {
  segment: (id: number) => string
  campaign: (id: number) => string
  template: (id: number) => string
}

/** Conditions as a whole sentence. */
export function describeConditions(condition: Condition, names: Names): string {
  const words =
    'not' in condition
      ? `Everybody but people ${inner(condition.not, names)}`
      : `People ${clause(condition, names)}`
  return words.endsWith('…') ? words : `${words}.`
}

/** What goes on from "People": "whose plan is “pro”, and who did “Signed in”". */
function clause(condition: Condition, names: Names): string {
  if ('all' in condition) return joined(condition.all, 'and', names)
  if ('any' in condition) return joined(condition.any, 'or', names)
  if ('not' in condition) return `not those ${inner(condition.not, names)}`
  if ('person' in condition) return `whose ${testWords(condition.person, condition)}`
  if ('trigger' in condition) return `whose trigger’s ${testWords(condition.trigger, condition)}`
  if ('tag' in condition)
    return `who ${condition.has === false ? 'do not have' : 'have'} the tag ${quote(condition.tag)}`
  if ('topic' in condition)
    return `who ${condition.wanted ? 'want' : 'do not want'} the topic ${quote(condition.topic)}`
  if ('subscribed' in condition)
    return condition.subscribed ? 'who are subscribed' : 'who have unsubscribed from marketing mail'
  if ('segment' in condition)
    return `who are ${condition.in === false ? 'not ' : ''}in the segment ${quote(names.segment(condition.segment))}`
  if ('event' in condition) return `who ${eventWords(condition)}`
  return `who ${messageWords(condition, names)}`
}

function joined(children: Condition[], word: 'and' | 'or', names: Names): string {
  if (children.length === 1) return clause(children[0]!, names)
  return children.map((child) => inner(child, names)).join(`, ${word} `)
}

/** Groups within others stand in brackets: "and" and "or" side by side could be read two ways. */
function inner(condition: Condition, names: Names): string {
  const words = clause(condition, names)
  const several =
    ('all' in condition && condition.all.length > 1) || ('any' in condition && condition.any.length > 1)
  return several ? `(${words})` : words
}

const testOperators: Record<Operator, string> = {
  is_set: 'is set',
  is_not_set: 'is not set',
  equals: 'is',
  not_equals: 'is not',
  one_of: 'is one of',
  not_one_of: 'is none of',
  contains: 'contains',
  not_contains: 'does not contain',
  starts_with: 'starts with',
  ends_with: 'ends with',
  '>': 'is more than',
  '>=': 'is at least',
  '<': 'is less than',
  '<=': 'is at most',
}

const dateOperators: Partial<Record<Operator, string>> = {
  '>': 'after',
  '>=': 'at or after',
  '<': 'before',
  '<=': 'at or before',
}

function testWords(name: string, { operator, value }: Test): string {
  const dateOperator = isDateValue(value) ? dateOperators[operator] : undefined
  const words = `${property(name)} ${dateOperator ? `is ${dateOperator}` : testOperators[operator]}`
  return value === undefined ? words : `${words} ${valueWords(value)}`
}

function valueWords(value: Value): string {
  if (Array.isArray(value)) return value.map((each) => quote(each)).join(', ')
  if (isDateValue(value)) return dateWords(value)
  return quote(value)
}

export function dateWords(value: DateValue): string {
  if (isRelative(value))
    return 'ago' in value ? `${durationWords(value.ago)} ago` : `${durationWords(value.ahead)} from now`
  if (/^\d{4}-\d{2}-\d{2}$/.test(value)) return value
  return Number.isNaN(Date.parse(value)) ? value : formatDateTime(value)
}

export function durationWords(duration: Duration): string {
  const { amount, unit } = splitDuration(duration)
  return plural(amount, unit.slice(0, -1))
}

function eventWords({ event, did = true, count, within, where = [], related, ...rest }: EventLeaf): string {
  const words = [did ? 'did' : 'did not do', quote(event)]
  if (where.length > 0) words.push(`where ${filterWords(where)}`)
  if (rest.scopedBy) words.push(`with the same ${property(rest.scopedBy)} as the trigger`)
  words.push(...howOften(count, within))
  if (rest.first) words.push(`for the first time ${momentWords(rest.first)}`)
  if (rest.last) words.push(`for the last time ${momentWords(rest.last)}`)
  if (related) {
    const relation = related.did === false ? 'and no' : 'and a'
    const filters = related.where?.length ? ` where ${filterWords(related.where)}` : ''
    words.push(
      `${relation} ${related.after ? 'later ' : ''}${quote(related.event)} of the same ${property(related.scopedBy)}${filters}`,
    )
  }
  return words.join(' ')
}

const filterWords = (where: ({ property: string } & Test)[]) =>
  where.map((filter) => testWords(filter.property, filter)).join(' and ')

const acts = {
  sent: ['were sent', 'were not sent'],
  opened: ['opened', 'did not open'],
  clicked: ['clicked in', 'did not click in'],
}

function messageWords({ message, did = true, count, within, campaign, template }: MessageLeaf, names: Names) {
  const words = [acts[message][did ? 0 : 1], 'a message']
  if (campaign !== undefined) words.push(`of the campaign ${quote(names.campaign(campaign))}`)
  if (template !== undefined) words.push(`of the template ${quote(names.template(template))}`)
  return [...words, ...howOften(count, within)].join(' ')
}

function howOften(count: Count | undefined, within: Window | undefined): string[] {
  return [...(count ? [countWords(count)] : []), ...(within ? [windowWords(within)] : [])]
}

const countNames = { '=': 'exactly', '>=': 'at least', '<=': 'at most', '>': 'more than', '<': 'fewer than' }

const countWords = ({ operator, value }: Count) => `${countNames[operator]} ${plural(value, 'time')}`

function windowWords(within: Window): string {
  if (within === 'since_trigger') return 'since the trigger'
  if ('last' in within) return `in the last ${durationWords(within.last)}`
  return [
    ...(within.after === undefined ? [] : [`after ${dateWords(within.after)}`]),
    ...(within.before === undefined ? [] : [`before ${dateWords(within.before)}`]),
  ].join(' and ')
}

const momentWords = ({ operator, value }: Moment) => `${dateOperators[operator]} ${dateWords(value)}`

const property = (name: string) => name || '…'

const quote = (value: unknown) =>
  value === '' ? '…' : typeof value === 'string' ? `“${value}”` : String(value)

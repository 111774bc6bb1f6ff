import { formatDateTime, plural } from '../lib/format.ts'
import {
  type Count,
  type DateValue,
  type Duration,
  type Filter,
  isCount,
  isDateValue,
  isRelative,
  type Moment,
  type Operator,
  splitDuration,
  type Test,
  type Value,
  type Window,
} from './language.ts'
import { comparesText } from './operators.ts'

const testOperators: Record<Operator, string> = {
  is_set: 'is set',
  is_not_set: 'is not set',
  is_empty: 'is empty',
  is_not_empty: 'is not empty',
  equals: 'is',
  not_equals: 'is not',
  one_of: 'is one of',
  not_one_of: 'is none of',
  contains: 'contains',
  not_contains: 'does not contain',
  starts_with: 'starts with',
  ends_with: 'ends with',
  contains_any: 'has any of',
  contains_all: 'has all of',
  contains_none: 'has none of',
  count: 'has',
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

export function testWords(name: string, { operator, value, ignoreCase }: Test): string {
  const dateOperator = isDateValue(value) ? dateOperators[operator] : undefined
  const words = `${property(name)} ${dateOperator ? `is ${dateOperator}` : testOperators[operator]}`
  if (value === undefined) return words
  const exact = !ignoreCase && hasLetters(value) && comparesText(operator)
  return `${words} ${valueWords(value)}${exact ? ' (matching case)' : ''}`
}

/** Whether it says something else in capitals. */
function hasLetters(value: Value): boolean {
  if (Array.isArray(value)) return value.some(hasLetters)
  return typeof value === 'string' && value.toLowerCase() !== value.toUpperCase()
}

function valueWords(value: Value): string {
  if (Array.isArray(value)) return value.map((each) => quote(each)).join(', ')
  if (isDateValue(value)) return dateWords(value)
  if (isCount(value)) return `${countNames[value.operator]} ${plural(value.value, 'element')}`
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

export const filterWords = (where: Filter[]) =>
  where.map((filter) => testWords(filter.property, filter)).join(' and ')

export function howOften(count: Count | undefined, within: Window | undefined): string[] {
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

export const momentWords = ({ operator, value }: Moment) => `${dateOperators[operator]} ${dateWords(value)}`

export const property = (name: string) => name || '…'

export const quote = (value: unknown) =>
  value === '' ? '…' : typeof value === 'string' ? `“${value}”` : String(value)

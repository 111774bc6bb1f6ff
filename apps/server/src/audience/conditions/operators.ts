import type { Json } from '@fairway/queue'
import { refuse, text } from './check.ts'
import { foldJsonSql, foldTextSql } from './fold-case.ts'
import type { Parameters } from './parameters.ts'
import { type Count, checkCount, countHolds, describeCount } from './parts/count.ts'
import { limits } from './parts/limits.ts'
import { checkScalar, checkScalars, type ScalarValue } from './parts/scalar.ts'
import {
  checkTime,
  compare,
  dateHint,
  describeTime,
  isRelative,
  type OrderOperator,
  offsetOf,
  type RelativeTime,
  type TimeValue,
  timeOf,
} from './parts/time.ts'
import { anyElementSql, everyElementSql, instantSql, numberTestSql, oneOfSql } from './property-sql.ts'
import { elements, readInstant, readNumber, sameValue } from './values.ts'

export type PropertyTester = (found: Json | undefined, now: Date) => boolean
export type ConditionValue = ScalarValue | RelativeTime | ScalarValue[] | Count

/** What an operator of properties means, to each of those who ask. `Value` is what its check lets through. */
interface Operator<Value> {
  /** Of the value that the condition gives. */
  check(value: unknown, path: string, operator: string): void
  words: string
  /** Whether case can be ignored: then `value` and what `test` gets are folded already. */
  ofText?: true
  test(value: Value): PropertyTester
  /** The counterpart of `test`: true or false, never null, for a jsonb expression. */
  sql(found: string, value: Value, reading: Reading): string
}

interface Reading {
  parameters: Parameters
  now: Date
  /** Of a text or jsonb expression what is compared: itself, or folded. */
  text(sql: string): string
  json(sql: string): string
}

export function reading(parameters: Parameters, now: Date, ignoreCase: boolean): Reading {
  const asItIs = (sql: string) => sql
  if (!ignoreCase) return { parameters, now, text: asItIs, json: asItIs }
  return {
    parameters,
    now,
    text: (sql) => foldTextSql(sql, parameters),
    json: (sql) => foldJsonSql(sql, parameters),
  }
}

const isText = (found: string) => `coalesce(jsonb_typeof(${found}) = 'string', false)`

const checkAbsent: Operator<undefined>['check'] = (value, path, operator) => {
  if (value !== undefined) throw refuse(path, `must be absent with ${operator}`)
}

const isThere = (found: Json | undefined) => found !== undefined && found !== null
const isEmpty = (found: Json | undefined) => found === '' || (Array.isArray(found) && found.length === 0)

const presence = (
  words: string,
  holds: (found: Json | undefined) => boolean,
  sql: (found: string) => string,
): Operator<undefined> => ({ words, check: checkAbsent, test: () => holds, sql })

const equality = (words: string, same: boolean): Operator<ScalarValue> => ({
  words,
  ofText: true,
  check: checkScalar,
  test: (value) => (found) => sameValue(found, value) === same,
  sql: (found, value, { parameters, json }) => isOrNot(oneOfSql(json(found), [value], parameters), same),
})

const choice = (words: string, among: boolean): Operator<ScalarValue[]> => ({
  words,
  ofText: true,
  check: checkScalars,
  test: (values) => (found) => isOneOf(found, values) === among,
  sql: (found, values, { parameters, json }) => isOrNot(oneOfSql(json(found), values, parameters), among),
})

const isOrNot = (test: string, is: boolean) => (is ? test : `(not ${test})`)

function isOneOf(found: Json | undefined, values: ScalarValue[]): boolean {
  for (const value of values) if (sameValue(found, value)) return true
  return false
}

const partOfText = (
  words: string,
  holds: (text: string, part: string) => boolean,
  sql: (text: string, part: string) => string,
): Operator<string> => ({
  words,
  ofText: true,
  check: (value, path) => text(value, path, limits.maxTextLength),
  test: (part) => (found) => typeof found === 'string' && holds(found, part),
  sql: (found, part, reading) =>
    `(${isText(found)} and ${sql(reading.text(`(${found} #>> '{}')`), reading.parameters.add(part, 'text'))})`,
})

const isList = (found: string, test: string) =>
  `(case when jsonb_typeof(${found}) = 'array' then ${test} else false end)`

/** Of a list's elements, each compared as by `equals`. */
const anyElement = (words: string, among: boolean): Operator<ScalarValue[]> => ({
  words,
  ofText: true,
  check: checkScalars,
  test: (values) => (found) => (Array.isArray(found) && values.some(elements(found))) === among,
  sql: (found, values, { parameters, json }) =>
    isOrNot(isList(found, anyElementSql(found, json, values, parameters)), among),
})

const everyElement: Operator<ScalarValue[]> = {
  words: 'contains all of',
  ofText: true,
  check: checkScalars,
  test: (values) => (found) => Array.isArray(found) && values.every(elements(found)),
  sql: (found, values, { parameters, json }) =>
    isList(found, everyElementSql(found, json, values, parameters)),
}

const elementCount: Operator<Count> = {
  words: 'has',
  check: checkCount,
  test: (count) => (found) => Array.isArray(found) && countHolds(found.length, count),
  sql: (found, { operator, value }) => isList(found, `jsonb_array_length(${found}) ${operator} ${value}`),
}

/** The condition's value decides: a number is compared with numbers, a date with dates. */
const order = (operator: OrderOperator): Operator<number | TimeValue> => ({
  words: operator,
  check(value, path) {
    if (!Number.isFinite(value)) checkTime(value, path, `must be a number, ${dateHint}`)
  },
  test(bound) {
    if (typeof bound === 'number') return (found) => compare(readNumber(found), operator, bound)
    const test = instantTester(operator, bound)
    return (found, now) => test(readInstant(found), now)
  },
  sql(found, bound, { parameters, now }) {
    if (typeof bound === 'number')
      return numberTestSql(found, `${operator} ${parameters.add(bound, 'float8')}`)
    const at = new Date(timeOf(bound, now))
    return `coalesce(${instantSql(found)} ${operator} ${parameters.add(at, 'timestamptz')}, false)`
  },
})

/** An instant, epoch ms, against a time. */
export function instantTester(operator: OrderOperator, bound: TimeValue) {
  if (isRelative(bound)) {
    const offset = offsetOf(bound)
    return (instant: number | undefined, now: Date) => compare(instant, operator, now.getTime() + offset)
  }
  const fixed = readInstant(bound as string)!
  return (instant: number | undefined, _now: Date) => compare(instant, operator, fixed)
}

/**
 * Absent and null are alike: `equals`, `one_of`, the operators of text and of order are false, `not_equals` and `not_one_of`
 * true. The operators of text are false for anything but text, those of lists for anything but lists, except `contains_none`.
 */
export const operators = {
  is_set: presence('is set', isThere, (found) => `coalesce(jsonb_typeof(${found}) <> 'null', false)`),
  is_not_set: presence(
    'is not set',
    (found) => !isThere(found),
    (found) => `coalesce(jsonb_typeof(${found}) = 'null', true)`,
  ),
  is_empty: presence('is empty', isEmpty, (found) => `coalesce(${found} in ('""', '[]'), false)`),
  is_not_empty: presence(
    'is not empty',
    (found) => isThere(found) && !isEmpty(found),
    (found) => `coalesce(${found} not in ('null', '""', '[]'), false)`,
  ),
  equals: equality('equals', true),
  not_equals: equality('does not equal', false),
  one_of: choice('is one of', true),
  not_one_of: choice('is none of', false),
  contains: partOfText(
    'contains',
    (found, part) => found.includes(part),
    (found, part) => `strpos(${found}, ${part}) > 0`,
  ),
  not_contains: partOfText(
    'does not contain',
    (found, part) => !found.includes(part),
    (found, part) => `strpos(${found}, ${part}) = 0`,
  ),
  starts_with: partOfText(
    'starts with',
    (found, part) => found.startsWith(part),
    (found, part) => `starts_with(${found}, ${part})`,
  ),
  ends_with: partOfText(
    'ends with',
    (found, part) => found.endsWith(part),
    (found, part) => `right(${found}, length(${part})) = ${part}`,
  ),
  contains_any: anyElement('contains any of', true),
  contains_all: everyElement,
  contains_none: anyElement('contains none of', false),
  count: elementCount,
  '>': order('>'),
  '>=': order('>='),
  '<': order('<'),
  '<=': order('<='),
} satisfies Record<string, Operator<never>>

export type PropertyOperator = keyof typeof operators
export const propertyOperators = Object.keys(operators) as PropertyOperator[]

export const operatorOf = (name: PropertyOperator): Operator<ConditionValue | undefined> =>
  operators[name] as Operator<ConditionValue | undefined>

export function describeValue(value: ConditionValue): string {
  if (Array.isArray(value)) return value.map((one) => JSON.stringify(one)).join(', ')
  if (isRelative(value)) return describeTime(value)
  return typeof value === 'object' ? `${describeCount(value)} elements` : JSON.stringify(value)
}

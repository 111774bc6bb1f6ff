import type { Json } from '@fairway/queue'
import { refuse, text } from './check.ts'
import type { Parameters } from './parameters.ts'
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
import { instantSql, numberTestSql, oneOfSql } from './property-sql.ts'
import { readInstant, readNumber, sameValue } from './values.ts'

export type PropertyTester = (found: Json | undefined, now: Date) => boolean
export type ConditionValue = ScalarValue | RelativeTime | ScalarValue[]

/** What an operator of properties means, to each of those who ask. `Value` is what its check lets through. */
interface Operator<Value> {
  /** Of the value that the condition gives. */
  check(value: unknown, path: string, operator: string): void
  words: string
  test(value: Value): PropertyTester
  /** The counterpart of `test`: true or false, never null, for a jsonb expression. */
  sql(found: string, value: Value, context: { parameters: Parameters; now: Date }): string
}

const isText = (found: string) => `coalesce(jsonb_typeof(${found}) = 'string', false)`

const presence = (words: string, isSet: boolean): Operator<undefined> => ({
  words,
  check(value, path, operator) {
    if (value !== undefined) throw refuse(path, `must be absent with ${operator}`)
  },
  test: () => (found) => (found !== undefined && found !== null) === isSet,
  sql: (found) =>
    isSet
      ? `coalesce(jsonb_typeof(${found}) <> 'null', false)`
      : `coalesce(jsonb_typeof(${found}) = 'null', true)`,
})

const equality = (words: string, same: boolean): Operator<ScalarValue> => ({
  words,
  check: checkScalar,
  test: (value) => (found) => sameValue(found, value) === same,
  sql: (found, value, { parameters }) => isOrNot(oneOfSql(found, [value], parameters), same),
})

const choice = (words: string, among: boolean): Operator<ScalarValue[]> => ({
  words,
  check: checkScalars,
  test: (values) => (found) => isOneOf(found, values) === among,
  sql: (found, values, { parameters }) => isOrNot(oneOfSql(found, values, parameters), among),
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
  check: (value, path) => text(value, path, limits.maxTextLength),
  test: (part) => (found) => typeof found === 'string' && holds(found, part),
  sql: (found, part, { parameters }) =>
    `(${isText(found)} and ${sql(`${found} #>> '{}'`, parameters.add(part, 'text'))})`,
})

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
 * true. The operators of text are false for anything but text.
 */
export const operators = {
  is_set: presence('is set', true),
  is_not_set: presence('is not set', false),
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
  return isRelative(value) ? describeTime(value) : JSON.stringify(value)
}

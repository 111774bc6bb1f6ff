import type { Json } from '@fairway/queue'
import {
  type ConditionValue,
  isOrder,
  isRelative,
  type OrderOperator,
  offsetOf,
  type PropertyTest,
  type TimeValue,
} from './language.ts'
import { readInstant, readNumber, sameValue } from './values.ts'

export type PropertyTester = (value: Json | undefined, now: Date) => boolean

/**
 * One property against one test, made ready.
 *
 * Absent and null are alike: `equals`, `one_of`, the text operators and the order operators are false, `not_equals` and
 * `not_one_of` true. The text operators are false for anything but text.
 */
export function propertyTester({ operator, value }: PropertyTest): PropertyTester {
  switch (operator) {
    case 'is_set':
      return (found) => found !== undefined && found !== null
    case 'is_not_set':
      return (found) => found === undefined || found === null
    case 'equals':
      return (found) => sameValue(found, value as Json)
    case 'not_equals':
      return (found) => !sameValue(found, value as Json)
    case 'one_of':
      return (found) => isOneOf(found, value as Json[])
    case 'not_one_of':
      return (found) => !isOneOf(found, value as Json[])
    case 'contains':
      return (found) => typeof found === 'string' && found.includes(value as string)
    case 'not_contains':
      return (found) => typeof found === 'string' && !found.includes(value as string)
    case 'starts_with':
      return (found) => typeof found === 'string' && found.startsWith(value as string)
    case 'ends_with':
      return (found) => typeof found === 'string' && found.endsWith(value as string)
    default:
      return orderTester(operator, value!)
  }
}

function isOneOf(found: Json | undefined, values: Json[]): boolean {
  for (const value of values) if (sameValue(found, value)) return true
  return false
}

/** The condition's value decides: a number is compared with numbers, a date with dates. */
function orderTester(operator: OrderOperator, bound: ConditionValue): PropertyTester {
  if (typeof bound === 'number') return (found) => compare(readNumber(found), operator, bound)
  const test = instantTester(operator, bound)
  return (found, now) => test(readInstant(found), now)
}

export const isInstantTest = (test: PropertyTest): test is { operator: OrderOperator; value: TimeValue } =>
  isOrder(test.operator) && typeof test.value !== 'number'

/** An instant, epoch ms, against a time. */
export function instantTester(operator: OrderOperator, bound: ConditionValue) {
  if (isRelative(bound)) {
    const offset = offsetOf(bound)
    return (instant: number | undefined, now: Date) => compare(instant, operator, now.getTime() + offset)
  }
  const fixed = readInstant(bound as string)!
  return (instant: number | undefined, _now: Date) => compare(instant, operator, fixed)
}

/** False for undefined. */
export function compare(value: number | undefined, operator: OrderOperator, bound: number): boolean {
  if (value === undefined) return false
  switch (operator) {
    case '>':
      return value > bound
    case '>=':
      return value >= bound
    case '<':
      return value < bound
    case '<=':
      return value <= bound
  }
}

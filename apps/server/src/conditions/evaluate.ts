import type { Json } from '@fairway/queue'
import type { Recipient } from '../people/lookup.ts'
import {
  type Condition,
  type ConditionValue,
  type CountOperator,
  type EventCondition,
  isRelative,
  type LeafCondition,
  type OrderOperator,
  type PropertyTest,
  resolveRelative,
} from './language.ts'
import { type Properties, readInstant, readNumber, readProperty, sameValue } from './values.ts'

/** The event that made us look. */
export interface TriggerFacts {
  id: string
  at: Date
  properties: Properties
}

/** Everything an evaluation may know; see `load-facts.ts` for where it comes from. */
export interface Facts {
  now: Date
  person: Recipient
  /** Absent where there is no trigger (segments): its conditions are then false, and "since the trigger" counts none. */
  trigger?: TriggerFacts
  /** How many events match, counted at least as far as the condition's comparison needs. */
  countEvents(condition: EventCondition): number
}

export const holds = (condition: Condition, facts: Facts): boolean =>
  findFalse(condition, facts) === undefined

/** The most telling part of the tree that makes it false, or undefined when the whole is true. */
export function findFalse(condition: Condition, facts: Facts): Condition | undefined {
  if ('all' in condition) {
    for (const child of condition.all) {
      const found = findFalse(child, facts)
      if (found) return found
    }
    return undefined
  }
  if ('any' in condition) return condition.any.some((child) => holds(child, facts)) ? undefined : condition
  if ('not' in condition) return holds(condition.not, facts) ? condition : undefined
  return leafHolds(condition, facts) ? undefined : condition
}

function leafHolds(condition: LeafCondition, facts: Facts): boolean {
  if ('person' in condition)
    return propertyHolds(personProperty(facts.person, condition.person), condition, facts.now)
  if ('trigger' in condition) {
    return propertyHolds(
      readProperty(facts.trigger?.properties ?? {}, condition.trigger),
      condition,
      facts.now,
    )
  }
  if ('tag' in condition) return facts.person.tags.includes(condition.tag) === (condition.has ?? true)
  if ('subscribed' in condition) return facts.person.subscribed === condition.subscribed
  const { operator, value } = condition.count ?? atLeastOnce
  return compareCount(facts.countEvents(condition), operator, value) === (condition.did ?? true)
}

const atLeastOnce = { operator: '>=', value: 1 } as const

/** A built-in field, or else a property; a property can't hide a built-in field of the same name. */
export function personProperty(person: Recipient, name: string): Json | undefined {
  switch (name) {
    case 'id':
      return person.external_id
    case 'email':
      return person.email
    case 'phone':
      return person.phone
    case 'timezone':
      return person.timezone
    case 'language':
      return person.language
    case 'created_at':
      return person.created_at.toISOString()
    default:
      return readProperty(person.properties, name)
  }
}

/**
 * One property against one test. Absent and null are alike: `equals`, `contains`, `not_contains` and the order
 * operators are false, `not_equals` is true. `contains` and `not_contains` are false for anything but text.
 */
export function propertyHolds(value: Json | undefined, test: PropertyTest, now: Date): boolean {
  switch (test.operator) {
    case 'is_set':
      return value !== undefined && value !== null
    case 'is_not_set':
      return value === undefined || value === null
    case 'equals':
      return sameValue(value, test.value as Json)
    case 'not_equals':
      return !sameValue(value, test.value as Json)
    case 'contains':
      return typeof value === 'string' && value.includes(test.value as string)
    case 'not_contains':
      return typeof value === 'string' && !value.includes(test.value as string)
    default:
      return compareOrdered(value, test.operator, test.value!, now)
  }
}

/** The condition's value decides: a number is compared with numbers, a date with dates. */
function compareOrdered(
  value: Json | undefined,
  operator: OrderOperator,
  bound: ConditionValue,
  now: Date,
): boolean {
  if (typeof bound === 'number') return compare(readNumber(value), operator, bound)
  const instant = isRelative(bound) ? resolveRelative(bound, now) : readInstant(bound as string)
  return compare(readInstant(value), operator, instant!)
}

function compare(value: number | undefined, operator: OrderOperator, bound: number): boolean {
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

const compareCount = (count: number, operator: CountOperator, value: number): boolean =>
  operator === '=' ? count === value : compare(count, operator, value)

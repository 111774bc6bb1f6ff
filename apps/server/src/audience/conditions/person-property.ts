import type { Json } from '@fairway/queue'
import { addressKey, addressParts } from '../../platform/email-address.ts'
import type { Recipient } from '../people/lookup.ts'
import type { ConditionValue } from './operators.ts'
import type { PropertyTest } from './property-test.ts'
import { readProperty } from './values.ts'

/** A property of the person; `id`, `email`, `phone`, `timezone`, `language` and `created_at` are built in. */
export type PersonCondition = { person: string } & PropertyTest

/** Fields that every person has; they win over properties of the same name. */
const builtIns = new Map<string, (person: Recipient) => Json>([
  ['id', (person) => person.external_id],
  ['email', (person) => (person.email === null ? null : addressKey(person.email))],
  ['phone', (person) => person.phone],
  ['timezone', (person) => person.timezone],
  ['language', (person) => person.language],
  ['created_at', (person) => person.created_at.toISOString()],
])

/** A built-in field, the address as it is compared, or else a property. */
export function personProperty(person: Recipient, name: string): Json | undefined {
  const builtIn = builtIns.get(name)
  return builtIn ? builtIn(person) : readProperty(person.properties, name)
}

/** Tests of which one must hold, or every one. */
export interface PersonTests {
  tests: PropertyTest[]
  every: boolean
}

/** What a condition on a person asks of the value that {@link personProperty} reads: an address is written in many ways. */
export function personTests({ person, operator, value, ignoreCase }: PersonCondition): PersonTests {
  const every = operator === 'not_contains'
  return {
    every,
    tests: valuesOf(person, operator, value).map((one) => ({ operator, value: one, ignoreCase })),
  }
}

function valuesOf(
  person: string,
  operator: PropertyTest['operator'],
  value: ConditionValue | undefined,
): (ConditionValue | undefined)[] {
  if (person !== 'email') return [value]
  const key = <T>(one: T) => (typeof one === 'string' ? addressKey(one) : one)
  switch (operator) {
    case 'equals':
    case 'not_equals':
      return [key(value)]
    case 'one_of':
    case 'not_one_of':
      return [(value as (string | number | boolean)[]).map(key)]
    case 'contains':
    case 'not_contains':
    case 'starts_with':
    case 'ends_with':
      return addressParts(value as string)
    default:
      return [value]
  }
}

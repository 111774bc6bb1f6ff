import {
  type ConditionValue,
  isRelative,
  type OrderOperator,
  type PropertyTest,
  resolveRelative,
  type ScalarValue,
} from './language.ts'
import type { Parameters } from './parameters.ts'
import { readInstant, readNumber } from './values.ts'

/**
 * SQL for tests of properties; the counterpart of `property-test.ts`. Written out with operators of PostgreSQL: a call of
 * one of our own functions (`condition_instant`) costs ten times as much a row as these, and is kept for what is rare.
 */

/** A property inside the jsonb expression `properties`; the counterpart of `readProperty`. */
export function propertySql(properties: string, name: string, parameters: Parameters): string {
  const place = parameters.add(name, 'text')
  if (!name.includes('.')) return `(${properties} -> ${place})`
  const path = name.split('.').map((part) => ` -> ${parameters.add(part, 'text')}`)
  return `(case when ${properties} ? ${place} then ${properties} -> ${place} else ${properties}${path.join('')} end)`
}

/** True or false, never null, for one test of a jsonb expression. */
export function testSql(value: string, test: PropertyTest, now: Date, parameters: Parameters): string {
  const scalars = () => (Array.isArray(test.value) ? test.value : [test.value]) as ScalarValue[]
  const text = () => parameters.add(test.value, 'text')
  const isText = `coalesce(jsonb_typeof(${value}) = 'string', false)`
  switch (test.operator) {
    case 'is_set':
      return `coalesce(jsonb_typeof(${value}) <> 'null', false)`
    case 'is_not_set':
      return `coalesce(jsonb_typeof(${value}) = 'null', true)`
    case 'equals':
    case 'one_of':
      return oneOfSql(value, scalars(), parameters)
    case 'not_equals':
    case 'not_one_of':
      return `(not ${oneOfSql(value, scalars(), parameters)})`
    case 'contains':
      return `(${isText} and strpos(${value} #>> '{}', ${text()}) > 0)`
    case 'not_contains':
      return `(${isText} and strpos(${value} #>> '{}', ${text()}) = 0)`
    case 'starts_with':
      return `(${isText} and starts_with(${value} #>> '{}', ${text()}))`
    case 'ends_with':
      return `(${isText} and right(${value} #>> '{}', length(${text()})) = ${text()})`
    default:
      return orderSql(value, test.operator, test.value!, now, parameters)
  }
}

/** Every JSON value that is the same as one of `scalars`; the counterpart of `sameValue`. */
function oneOfSql(value: string, scalars: ScalarValue[], parameters: Parameters): string {
  const same = new Set<string>()
  const numbers: number[] = []
  for (const scalar of scalars) {
    same.add(JSON.stringify(scalar))
    if (typeof scalar === 'boolean') same.add(JSON.stringify(String(scalar)))
    if (scalar === 'true' || scalar === 'false') same.add(scalar)
    if (typeof scalar === 'number') numbers.push(scalar)
    const number = typeof scalar === 'string' ? readNumber(scalar) : undefined
    if (number !== undefined) same.add(JSON.stringify(number))
  }
  const [first, ...others] = same
  const is =
    others.length === 0
      ? `coalesce(${value} = ${parameters.add(first, 'jsonb')}, false)`
      : `coalesce(${value} = any(${parameters.add([...same], 'jsonb[]')}), false)`
  if (numbers.length === 0) return is
  // Text may say the number in other ways: "5.0".
  const asNumber = numberOfText(value, `= any(${parameters.add(numbers, 'float8[]')})`)
  return `(${is} or case when jsonb_typeof(${value}) = 'string' then ${asNumber} else false end)`
}

const numberOfText = (value: string, comparison: string) =>
  `case when (${value} #>> '{}') ~ '^-?[0-9]{1,15}(\\.[0-9]{1,15})?$' then (${value} #>> '{}')::float8 ${comparison} else false end`

function orderSql(
  value: string,
  operator: OrderOperator,
  bound: ConditionValue,
  now: Date,
  parameters: Parameters,
): string {
  if (typeof bound === 'number') {
    const comparison = `${operator} ${parameters.add(bound, 'float8')}`
    return `case jsonb_typeof(${value}) when 'number' then (${value})::float8 ${comparison}
      when 'string' then ${numberOfText(value, comparison)} else false end`
  }
  return `coalesce(${instantSql(value)} ${operator} ${parameters.add(boundOf(bound, now), 'timestamptz')}, false)`
}

const boundOf = (bound: ConditionValue, now: Date): Date =>
  new Date(isRelative(bound) ? resolveRelative(bound, now) : readInstant(bound as string)!)

/** What nearly every program writes, and PostgreSQL reads alike; days beyond the 28th may not exist in their month. */
const plainInstant =
  "'^[1-9][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{3})?Z$'"

/** The counterpart of `readInstant`. */
export const instantSql = (value: string): string =>
  `(case when jsonb_typeof(${value}) = 'string' and (${value} #>> '{}') ~ ${plainInstant}
     then (${value} #>> '{}')::timestamptz else condition_instant(${value}) end)`

import Type, { type Static } from 'typebox'
import { allowOnly, object, oneOf, refuse, text } from '../check.ts'
import type { EventFact } from '../facts.ts'
import type { Measure } from '../history.ts'
import { numberSql, propertySql } from '../property-sql.ts'
import type { SqlContext } from '../sql-context.ts'
import { readNumber, readProperty } from '../values.ts'
import { type CountOperator, countOperators } from './count.ts'
import { limits } from './limits.ts'
import { closed, nameSchema, oneOfSchema } from './schemas.ts'

export const aggregateFunctions = ['sum', 'average', 'min', 'max'] as const
export type AggregateFunction = (typeof aggregateFunctions)[number]

export const aggregateSchema = Type.Object(
  {
    function: oneOfSchema(aggregateFunctions),
    property: nameSchema,
    operator: oneOfSchema(countOperators),
    value: Type.Number({ minimum: -limits.maxTotal, maximum: limits.maxTotal }),
  },
  closed,
)
/** Of the numbers that counted events have in a property. Events in which it is no number don't count. */
export type Aggregate = Static<typeof aggregateSchema>

export function checkAggregate(input: unknown, path: string): void {
  const hint =
    'must be an object such as {"function": "sum", "property": "price", "operator": ">=", "value": 500}'
  const members = object(input, path, hint)
  allowOnly(members, path, ['function', 'property', 'operator', 'value'])
  oneOf(members.function, `${path}.function`, aggregateFunctions)
  text(members.property, `${path}.property`, limits.maxNameLength)
  oneOf(members.operator, `${path}.operator`, countOperators)
  if (typeof members.value !== 'number' || !(Math.abs(members.value) <= limits.maxTotal))
    throw refuse(`${path}.value`, `must be a number, at most ${limits.maxTotal}`)
}

export const describeAggregate = ({ function: name, property, operator, value }: Aggregate): string =>
  `with ${name} of ${property} ${operator} ${value}`

/**
 * Sums of binary fractions depend on the order, and ten times 0.1 is not 1. So numbers are counted in millionths, exactly, here
 * and in SQL.
 */
const scale = 1e6
const inMillionths = (number: number): bigint => BigInt(Math.floor(number * scale + 0.5))

function compareExactly(a: bigint, operator: CountOperator, b: bigint): boolean {
  switch (operator) {
    case '=':
      return a === b
    case '>':
      return a > b
    case '>=':
      return a >= b
    case '<':
      return a < b
    case '<=':
      return a <= b
  }
}

type Holds = (numbers: bigint[], operator: CountOperator, bound: bigint) => boolean

const least = (numbers: bigint[]) => numbers.reduce((best, number) => (number < best ? number : best))
const greatest = (numbers: bigint[]) => numbers.reduce((best, number) => (number > best ? number : best))
const total = (numbers: bigint[]) => numbers.reduce((sum, number) => sum + number, 0n)

/** Only the sum of no numbers is one: 0. */
const functions: Record<AggregateFunction, { holds: Holds; sql: (number: string, test: string) => string }> =
  {
    sum: {
      holds: (numbers, operator, bound) => compareExactly(total(numbers), operator, bound),
      sql: (number, test) => `coalesce(sum(${number}), 0) ${test}`,
    },
    average: {
      holds: (numbers, operator, bound) =>
        numbers.length > 0 && compareExactly(total(numbers), operator, bound * BigInt(numbers.length)),
      sql: (number, test) => `coalesce(sum(${number}) ${test} * count(${number}), false)`,
    },
    min: {
      holds: (numbers, operator, bound) =>
        numbers.length > 0 && compareExactly(least(numbers), operator, bound),
      sql: (number, test) => `coalesce(min(${number}) ${test}, false)`,
    },
    max: {
      holds: (numbers, operator, bound) =>
        numbers.length > 0 && compareExactly(greatest(numbers), operator, bound),
      sql: (number, test) => `coalesce(max(${number}) ${test}, false)`,
    },
  }

export function aggregateTest({ function: name, property, operator, value }: Aggregate) {
  const { holds } = functions[name]
  const bound = inMillionths(value)
  return (events: readonly EventFact[]): boolean => {
    const numbers: bigint[] = []
    for (const { properties } of events) {
      const number = readNumber(readProperty(properties, property))
      if (number !== undefined && Math.abs(number) <= limits.maxAmount) numbers.push(inMillionths(number))
    }
    return holds(numbers, operator, bound)
  }
}

/** The counterpart of {@link aggregateTest}, about rows `h` of events. */
export function aggregateMeasure(
  { function: name, property, operator, value }: Aggregate,
  { parameters }: SqlContext,
): Measure {
  const { holds, sql } = functions[name]
  const bound = inMillionths(value)
  const number = numberSql(propertySql('h.properties', property, parameters))
  const millionths = `case when abs(${number}) <= ${limits.maxAmount}::float8
    then floor(${number} * ${scale}::float8 + 0.5::float8)::bigint end`
  return {
    measure: sql(millionths, `${operator} ${parameters.add(String(bound), 'numeric')}`),
    ofNone: holds([], operator, bound),
  }
}

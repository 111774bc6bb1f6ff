import Type, { type Static } from 'typebox'
import { allowOnly, object, oneOf, wholeNumber } from '../check.ts'
import type { Measure } from '../history.ts'
import { limits } from './limits.ts'
import { closed, oneOfSchema } from './schemas.ts'
import { compare } from './time.ts'

/** How many of something. */
export const countOperators = ['=', '>=', '<=', '>', '<'] as const
export type CountOperator = (typeof countOperators)[number]

export const countSchema = Type.Object(
  { operator: oneOfSchema(countOperators), value: Type.Integer({ minimum: 0, maximum: limits.maxCount }) },
  closed,
)
export type Count = Static<typeof countSchema>

export function checkCount(input: unknown, path: string): void {
  const members = object(input, path, 'must be an object such as {"operator": ">=", "value": 2}')
  allowOnly(members, path, ['operator', 'value'])
  oneOf(members.operator, `${path}.operator`, countOperators)
  wholeNumber(members.value, `${path}.value`, 0, limits.maxCount)
}

export const describeCount = ({ operator, value }: Count): string => `${operator} ${value}`

/** Without a count: at least one. */
export function countHolds(count: number, wanted: Count | undefined): boolean {
  if (wanted === undefined) return count > 0
  return wanted.operator === '=' ? count === wanted.value : compare(count, wanted.operator, wanted.value)
}

/** The counterpart of {@link countHolds}. */
export function countMeasure(count: Count | undefined): Measure {
  if (count === undefined) return { measure: 'count(*) >= 1', ofNone: false, enough: 1 }
  const { operator, value } = count
  // "At least 3" is known after 3, "exactly 3" and "more than 3" after 4.
  return { measure: `count(*) ${operator} ${value}`, ofNone: countHolds(0, count), enough: value + 1 }
}

import Type from 'typebox'
import { allowOnly, type Members, oneOf, optionalTruth, refuse, text } from './check.ts'
import { foldValue } from './fold-case.ts'
import {
  type ConditionValue,
  describeValue,
  operatorOf,
  type PropertyOperator,
  type PropertyTester,
  propertyOperators,
  reading,
} from './operators.ts'
import type { Parameters } from './parameters.ts'
import { countSchema } from './parts/count.ts'
import { limits } from './parts/limits.ts'
import { scalarSchema, scalarsSchema } from './parts/scalar.ts'
import { oneOfSchema } from './parts/schemas.ts'
import {
  type OrderOperator,
  offsetsOfTime,
  orderOperators,
  relativeTimeSchema,
  type TimeValue,
} from './parts/time.ts'

/** A test of one property's value. `value` is absent for operators that need none. */
export interface PropertyTest {
  operator: PropertyOperator
  value?: ConditionValue
  /** Of operators that compare text. Default: every character counts. */
  ignoreCase?: boolean
}

/** Members of its JSON Schema, beside the one that names the property. */
export const testMembers = {
  operator: oneOfSchema(propertyOperators),
  value: Type.Optional(Type.Union([...scalarSchema.anyOf, relativeTimeSchema, scalarsSchema, countSchema])),
  ignoreCase: Type.Optional(Type.Boolean()),
}

/** @param subject the member that names the property */
export function checkTest(members: Members, path: string, subject: 'person' | 'trigger' | 'property'): void {
  allowOnly(members, path, [subject, 'operator', 'value', 'ignoreCase'])
  text(members[subject], `${path}.${subject}`, limits.maxNameLength)
  const operator = oneOf(members.operator, `${path}.operator`, propertyOperators)
  operatorOf(operator).check(members.value, `${path}.value`, operator)
  optionalTruth(members.ignoreCase, `${path}.ignoreCase`)
  if (members.ignoreCase !== undefined && !operatorOf(operator).ofText)
    throw refuse(`${path}.ignoreCase`, `must be absent with ${operator}, which compares no text`)
}

export function describeTest(subject: string, { operator, value, ignoreCase }: PropertyTest): string {
  const words = [subject, operatorOf(operator).words]
  if (value !== undefined) words.push(describeValue(value))
  if (ignoreCase) words.push('in any case')
  return words.join(' ')
}

/** One property against one test, made ready. */
export function propertyTester({ operator, value, ignoreCase }: PropertyTest): PropertyTester {
  if (!ignoreCase) return operatorOf(operator).test(value)
  const test = operatorOf(operator).test(foldValue(value))
  return (found, now) => test(foldValue(found), now)
}

/** The counterpart of {@link propertyTester}: true or false, never null, for a jsonb expression. */
export const testSql = (
  found: string,
  { operator, value, ignoreCase = false }: PropertyTest,
  now: Date,
  parameters: Parameters,
): string =>
  operatorOf(operator).sql(found, ignoreCase ? foldValue(value) : value, reading(parameters, now, ignoreCase))

export const isInstantTest = (test: PropertyTest): test is { operator: OrderOperator; value: TimeValue } =>
  (orderOperators as readonly string[]).includes(test.operator) && typeof test.value !== 'number'

/** How far from now the times are that it compares with, ms. */
export const testOffsets = ({ value }: PropertyTest): number[] => offsetsOfTime(value)

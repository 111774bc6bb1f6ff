import Type from 'typebox'
import { allowOnly, type Members, oneOf, text } from './check.ts'
import {
  type ConditionValue,
  describeValue,
  operatorOf,
  type PropertyOperator,
  type PropertyTester,
  propertyOperators,
} from './operators.ts'
import type { Parameters } from './parameters.ts'
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
}

/** Members of its JSON Schema, beside the one that names the property. */
export const testMembers = {
  operator: oneOfSchema(propertyOperators),
  value: Type.Optional(Type.Union([...scalarSchema.anyOf, relativeTimeSchema, scalarsSchema])),
}

/** @param subject the member that names the property */
export function checkTest(members: Members, path: string, subject: 'person' | 'trigger' | 'property'): void {
  allowOnly(members, path, [subject, 'operator', 'value'])
  text(members[subject], `${path}.${subject}`, limits.maxNameLength)
  const operator = oneOf(members.operator, `${path}.operator`, propertyOperators)
  operatorOf(operator).check(members.value, `${path}.value`, operator)
}

export function describeTest(subject: string, { operator, value }: PropertyTest): string {
  const words = `${subject} ${operatorOf(operator).words}`
  return value === undefined ? words : `${words} ${describeValue(value)}`
}

/** One property against one test, made ready. */
export const propertyTester = ({ operator, value }: PropertyTest): PropertyTester =>
  operatorOf(operator).test(value)

/** The counterpart of {@link propertyTester}: true or false, never null, for a jsonb expression. */
export const testSql = (
  found: string,
  { operator, value }: PropertyTest,
  now: Date,
  parameters: Parameters,
) => operatorOf(operator).sql(found, value, { parameters, now })

export const isInstantTest = (test: PropertyTest): test is { operator: OrderOperator; value: TimeValue } =>
  (orderOperators as readonly string[]).includes(test.operator) && typeof test.value !== 'number'

/** How far from now the times are that it compares with, ms. */
export const testOffsets = ({ value }: PropertyTest): number[] => offsetsOfTime(value)

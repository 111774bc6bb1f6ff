import Type from 'typebox'
import { foldName } from '../../items/item.ts'
import { refuse } from '../check.ts'
import type { EventFact, Facts } from '../facts.ts'
import type { CheckContext } from '../kinds/kind.ts'
import { propertySql } from '../property-sql.ts'
import {
  checkTest,
  describeTest,
  type PropertyTest,
  propertyTester,
  testMembers,
  testOffsets,
  testSql,
} from '../property-test.ts'
import type { SqlContext } from '../sql-context.ts'
import { readProperty } from '../values.ts'
import { closed, nameSchema } from './schemas.ts'

/** A property of the counted event. */
export type EventPropertyCondition = { property: string } & PropertyTest
/** Only events that pass all of these are counted. */
export type Where = EventPropertyCondition[]

export const whereSchema = Type.Array(Type.Object({ property: nameSchema, ...testMembers }, closed))

export function checkWhere(input: unknown, path: string, context: CheckContext): void {
  if (input === undefined) return
  if (!Array.isArray(input)) throw refuse(path, 'must be a list of property conditions')
  input.forEach((filter, index) => {
    checkTest(context.counted(filter, `${path}.${index}`), `${path}.${index}`, 'property')
  })
}

export const describeWhere = (where: Where = []): string[] =>
  where.length === 0 ? [] : [`where ${where.map((test) => describeTest(test.property, test)).join(' and ')}`]

export type EventFilter = (event: EventFact, facts: Facts) => boolean

export const whereFilters = (where: Where = []): EventFilter[] =>
  where.map((condition) => {
    const test = propertyTester(condition)
    return (event, { now }) => test(readProperty(event.properties, condition.property), now)
  })

/** What rows of `events` of that name must pass. */
export function eventFilters(
  alias: string,
  event: string,
  where: Where = [],
  { project, parameters, now }: SqlContext,
): string[] {
  return [
    `${alias}.project_id = ${project}`,
    `${alias}.folded_name = ${parameters.add(foldName(event), 'text')}`,
    ...where.map((test) =>
      testSql(propertySql(`${alias}.properties`, test.property, parameters), test, now, parameters),
    ),
  ]
}

/** Properties of events that are compared with now + an offset. */
export interface PropertyOffset {
  /** Folded. */
  event: string
  property: string
  offset: number
}

export const whereOffsets = (event: string, where: Where = []): PropertyOffset[] =>
  where.flatMap((test) =>
    testOffsets(test).map((offset) => ({ event: foldName(event), property: test.property, offset })),
  )

import Type from 'typebox'
import { closed, nameSchema } from '../parts/schemas.ts'
import {
  checkTest,
  describeTest,
  type PropertyTest,
  propertyTester,
  testMembers,
  testSql,
} from '../property-test.ts'
import { readProperty } from '../values.ts'
import { type LeafKind, needsNothing, timeless } from './kind.ts'

/** A property of the event that triggered the campaign. */
export type TriggerCondition = { trigger: string } & PropertyTest

export const trigger: LeafKind<TriggerCondition> = {
  schema: Type.Object({ trigger: nameSchema, ...testMembers }, closed),
  check(members, path, context) {
    context.needTrigger(`${path}.trigger`)
    checkTest(members, path, 'trigger')
  },
  describe: (leaf) => describeTest(`trigger.${leaf.trigger}`, leaf),
  needs: needsNothing,
  test(leaf) {
    const test = propertyTester(leaf)
    return ({ trigger, now }) => test(readProperty(trigger?.properties ?? {}, leaf.trigger), now)
  },
  sql(leaf, { context: { parameters, now, trigger } }) {
    const value = readProperty(trigger?.properties ?? {}, leaf.trigger)
    const place = parameters.add(value === undefined ? null : JSON.stringify(value), 'jsonb')
    return testSql(place, leaf, now, parameters)
  },
  // Whoever has a trigger is judged once, when its message is due.
  ...timeless,
}

import Type from 'typebox'
import type { Facts } from '../facts.ts'
import { instantTester, type PropertyTester } from '../operators.ts'
import { closed, nameSchema } from '../parts/schemas.ts'
import { timeOf } from '../parts/time.ts'
import { type PersonCondition, personProperty, personTests } from '../person-property.ts'
import { createdAtSql, personInstantSql, personSql } from '../person-sql.ts'
import {
  checkTest,
  describeTest,
  isInstantTest,
  propertyTester,
  testMembers,
  testOffsets,
  testSql,
} from '../property-test.ts'
import { readInstant } from '../values.ts'
import { type Crossing, crossingSql, type LeafKind, needsNothing, sorted, uncrossedSql } from './kind.ts'

export const person: LeafKind<PersonCondition> = {
  schema: Type.Object({ person: nameSchema, ...testMembers }, closed),
  check: (members, path) => checkTest(members, path, 'person'),
  describe: (leaf) => describeTest(`person.${leaf.person}`, leaf),
  needs: needsNothing,
  test(leaf) {
    const name = leaf.person
    if (isInstantTest(leaf)) {
      const test = instantTester(leaf.operator, leaf.value)
      return (facts) => test(instantOf(facts, name), facts.now)
    }
    const { tests, every } = personTests(leaf)
    const [test, ...others] = tests.map(propertyTester)
    if (others.length === 0) return ({ person, now }) => test!(personProperty(person, name), now)
    return ({ person, now }) => {
      const value = personProperty(person, name)
      const passes = (one: PropertyTester) => one(value, now)
      return every ? [test!, ...others].every(passes) : [test!, ...others].some(passes)
    }
  },
  sql(leaf, { context: { parameters, now } }) {
    if (leaf.person === 'created_at' && isInstantTest(leaf)) {
      const bound = new Date(timeOf(leaf.value, now))
      return `(${createdAtSql} ${leaf.operator} ${parameters.add(bound, 'timestamptz')})`
    }
    const { tests, every } = personTests(leaf)
    const found = personSql(leaf.person, parameters)
    const terms = tests.map((test) => testSql(found, test, now, parameters))
    return terms.length === 1 ? terms[0]! : `(${terms.join(every ? ' and ' : ' or ')})`
  },
  due: (leaf) =>
    testOffsets(leaf).map(
      (offset): Crossing => ({
        key: `p ${leaf.person}`,
        historic: false,
        offset,
        instants: ({ person }) => sorted([readInstant(personProperty(person, leaf.person))]),
      }),
    ),
  dueSql: (leaf, context) =>
    testOffsets(leaf).map((offset) => {
      const instant = personInstantSql(leaf.person, context.parameters)
      return `case when ${uncrossedSql(instant, offset, context)} then ${crossingSql(instant, offset, context)} end`
    }),
}

function instantOf(facts: Facts, name: string): number | undefined {
  facts.instants ??= new Map()
  if (!facts.instants.has(name)) facts.instants.set(name, readInstant(personProperty(facts.person, name)))
  return facts.instants.get(name)
}

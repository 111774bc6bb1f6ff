import { memoizePerObject } from '../../platform/memoize-per-object.ts'
import type { Facts, FactsTest } from './facts.ts'
import { kindOf } from './kinds.ts'
import type { Condition } from './language.ts'

/** A condition made ready. The counterpart for many people is `condition-sql.ts`. */
export const conditionTest = memoizePerObject(makeTest)

function makeTest(condition: Condition): FactsTest {
  if ('all' in condition) return everyTest(condition.all.map(conditionTest))
  if ('any' in condition) return someTest(condition.any.map(conditionTest))
  if ('not' in condition) {
    const test = conditionTest(condition.not)
    return (facts) => !test(facts)
  }
  const test = kindOf(condition).test(condition)
  return (facts) => facts.decided?.get(condition)?.holds ?? test(facts)
}

// `every` and `some` would need a function of their own for each person and segment: that was a third of what judging used up.
const everyTest = (tests: FactsTest[]) => (facts: Facts) => {
  for (const test of tests) if (!test(facts)) return false
  return true
}

const someTest = (tests: FactsTest[]) => (facts: Facts) => {
  for (const test of tests) if (test(facts)) return true
  return false
}

/** Whether the condition is true of one person. */
export const holds = (condition: Condition, facts: Facts): boolean => conditionTest(condition)(facts)

/** The most telling part of the tree that makes it false, or undefined when the whole is true. */
export function findFalse(condition: Condition, facts: Facts): Condition | undefined {
  if (!('all' in condition)) return holds(condition, facts) ? undefined : condition
  for (const child of condition.all) {
    const found = findFalse(child, facts)
    if (found) return found
  }
  return undefined
}

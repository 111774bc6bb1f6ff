import type { Facts } from './facts.ts'
import type { Condition } from './language.ts'
import { leafTest } from './leaf-test.ts'

/** Whether the condition is true of one person. The counterpart for many people is `condition-sql.ts`. */
export function holds(condition: Condition, facts: Facts): boolean {
  if ('all' in condition) return condition.all.every((child) => holds(child, facts))
  if ('any' in condition) return condition.any.some((child) => holds(child, facts))
  if ('not' in condition) return !holds(condition.not, facts)
  return facts.decided?.get(condition)?.holds ?? leafTest(condition)(facts)
}

/** The most telling part of the tree that makes it false, or undefined when the whole is true. */
export function findFalse(condition: Condition, facts: Facts): Condition | undefined {
  if (!('all' in condition)) return holds(condition, facts) ? undefined : condition
  for (const child of condition.all) {
    const found = findFalse(child, facts)
    if (found) return found
  }
  return undefined
}

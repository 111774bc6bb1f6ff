import { firstOf } from './completeness.ts'
import { kindOf } from './kinds.ts'
import type { Condition, Leaf } from './language.ts'

/** Every condition of a tree that is no group. */
export function leavesOf(condition: Condition): Leaf[] {
  if ('all' in condition) return condition.all.flatMap(leavesOf)
  if ('any' in condition) return condition.any.flatMap(leavesOf)
  return 'not' in condition ? leavesOf(condition.not) : [condition]
}

/** What a condition still lacks before it can be asked about, in words; undefined when it is whole. */
export const missingIn = (condition: Condition): string | undefined =>
  firstOf(leavesOf(condition).map((leaf) => kindOf(leaf).missing(leaf)))

/** The segments that conditions name. */
export const segmentsIn = (condition: Condition): number[] =>
  leavesOf(condition).flatMap((leaf) => ('segment' in leaf ? [leaf.segment] : []))

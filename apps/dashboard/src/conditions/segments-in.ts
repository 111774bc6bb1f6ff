import type { Condition } from './language.ts'

/** The segments that conditions name. */
export function segmentsIn(condition: Condition): number[] {
  if ('all' in condition) return condition.all.flatMap(segmentsIn)
  if ('any' in condition) return condition.any.flatMap(segmentsIn)
  if ('not' in condition) return segmentsIn(condition.not)
  return 'segment' in condition ? [condition.segment] : []
}

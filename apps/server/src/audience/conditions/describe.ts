import { kindOf } from './kinds.ts'
import type { Condition } from './language.ts'

/** A condition in one line of English, for logs and reports. Speaks of the rule, never of a person's data. */
export function describe(condition: Condition): string {
  if ('all' in condition) return group(condition.all, 'and')
  if ('any' in condition) return group(condition.any, 'or')
  if ('not' in condition) return `not (${describe(condition.not)})`
  return kindOf(condition).describe(condition)
}

const group = (children: Condition[], word: string) =>
  children.length === 1 ? describe(children[0]!) : `(${children.map(describe).join(` ${word} `)})`

import { kindOf } from './kinds.ts'
import type { Condition } from './language.ts'
import type { Names } from './use-names.ts'

/** Conditions as a whole sentence. */
export function describeConditions(condition: Condition, names: Names): string {
  const words =
    'not' in condition
      ? `Everybody but people ${inner(condition.not, names)}`
      : `People ${clause(condition, names)}`
  return words.endsWith('…') ? words : `${words}.`
}

/** What goes on from "People": "whose plan is “pro”, and who did “Signed in”". */
function clause(condition: Condition, names: Names): string {
  if ('all' in condition) return joined(condition.all, 'and', names)
  if ('any' in condition) return joined(condition.any, 'or', names)
  if ('not' in condition) return `not those ${inner(condition.not, names)}`
  return kindOf(condition).words(condition, names)
}

function joined(children: Condition[], word: 'and' | 'or', names: Names): string {
  if (children.length === 1) return clause(children[0]!, names)
  return children.map((child) => inner(child, names)).join(`, ${word} `)
}

/** Groups within others stand in brackets: "and" and "or" side by side could be read two ways. */
function inner(condition: Condition, names: Names): string {
  const words = clause(condition, names)
  const several =
    ('all' in condition && condition.all.length > 1) || ('any' in condition && condition.any.length > 1)
  return several ? `(${words})` : words
}

import { kindOf, type LeafCondition } from './kinds.ts'
import type { SqlContext } from './sql-context.ts'

/**
 * When time alone may next change what leaves say of a person `p`, as a timestamptz or null for never; the counterpart of
 * `nextChange`. Null when none of them speaks of now.
 */
export function dueSql(leaves: Iterable<LeafCondition>, context: SqlContext): string | null {
  const terms = new Set<string>()
  for (const leaf of leaves) for (const term of kindOf(leaf).dueSql(leaf, context)) terms.add(term)
  return terms.size === 0 ? null : `least(${[...terms].join(', ')})`
}

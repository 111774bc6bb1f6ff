import { foldName } from '../items/item.ts'
import { offsetsOf } from './due.ts'
import { messageFilters, messageTime, type SqlContext } from './history-sql.ts'
import type { LeafCondition } from './language.ts'
import { leafSince } from './needs.ts'
import { personInstantSql } from './person-sql.ts'
import { instantSql, propertySql } from './property-sql.ts'

/**
 * When time alone may next change what leaves say of a person `p`, as a timestamptz or null for never; the counterpart of
 * `nextChange`. Null when none of them speaks of now.
 */
export function dueSql(leaves: Iterable<LeafCondition>, context: SqlContext): string | null {
  const terms = new Set<string>()
  for (const leaf of leaves) for (const term of leafTerms(leaf, context)) terms.add(term)
  return terms.size === 0 ? null : `least(${[...terms].join(', ')})`
}

function leafTerms(leaf: LeafCondition, context: SqlContext): string[] {
  const { parameters, now, project } = context
  const { value, times, properties } = offsetsOf(leaf)
  const from = (offset: number) => parameters.add(new Date(now.getTime() + offset), 'timestamptz')
  const cross = (instant: string, offset: number) =>
    `greatest(${from(1)}, ${instant} + ${parameters.add(-offset, 'float8')} * interval '1 millisecond')`
  const events = (name: string, since: number) =>
    `events h where h.project_id = ${project} and h.person_id = p.id and h.folded_name = ${parameters.add(name, 'text')}${
      since === Number.NEGATIVE_INFINITY
        ? ''
        : ` and h.occurred_at >= ${parameters.add(new Date(since), 'timestamptz')}`
    }`
  const terms: string[] = []
  if ('person' in leaf) {
    for (const offset of value) {
      const instant = personInstantSql(leaf.person, parameters)
      terms.push(`case when ${instant} >= ${from(offset)} then ${cross(instant, offset)} end`)
    }
  }
  if ('event' in leaf) {
    const since = leafSince(leaf, now, context.trigger)
    if (since === Number.POSITIVE_INFINITY) return []
    for (const offset of times)
      terms.push(
        `(select ${cross('min(h.occurred_at)', offset)} from ${events(foldName(leaf.event), since)} and h.occurred_at >= ${from(offset)} having count(*) > 0)`,
      )
    for (const { event, property, offset } of properties) {
      const instant = instantSql(propertySql('h.properties', property, parameters))
      terms.push(
        `(select ${cross(`min(${instant})`, offset)} from ${events(event, since)} and ${instant} >= ${from(offset)} having count(*) > 0)`,
      )
    }
  }
  if ('message' in leaf) {
    const time = messageTime(leaf)
    const filters = [`h.project_id = ${project}`, 'h.person_id = p.id', ...messageFilters(leaf)].join(' and ')
    for (const offset of times)
      terms.push(
        `(select ${cross(`min(${time})`, offset)} from messages h where ${filters} and ${time} >= ${from(offset)} having count(*) > 0)`,
      )
  }
  return terms
}

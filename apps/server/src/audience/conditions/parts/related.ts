import Type, { type Static } from 'typebox'
import { foldName } from '../../items/item.ts'
import { allowOnly, optionalTruth, text } from '../check.ts'
import type { EventFact } from '../facts.ts'
import type { CheckContext } from '../kinds/kind.ts'
import { propertySql } from '../property-sql.ts'
import type { SqlContext } from '../sql-context.ts'
import { readProperty, sameValue } from '../values.ts'
import { limits } from './limits.ts'
import { closed, nameSchema } from './schemas.ts'
import {
  checkWhere,
  describeWhere,
  type EventFilter,
  eventFilters,
  whereFilters,
  whereSchema,
} from './where.ts'

export const relatedSchema = Type.Object(
  {
    event: nameSchema,
    /** Default true: there is one. */
    did: Type.Optional(Type.Boolean()),
    /** The property of the same value in both. */
    scopedBy: nameSchema,
    /** Not before the counted event. Default: whenever. */
    after: Type.Optional(Type.Boolean()),
    where: Type.Optional(whereSchema),
  },
  closed,
)
/** Another event of the same person that must be there, or must not, for an event to count. */
export type RelatedEvent = Static<typeof relatedSchema>

export function checkRelated(input: unknown, path: string, context: CheckContext): void {
  const members = context.counted(input, path)
  allowOnly(members, path, ['event', 'did', 'scopedBy', 'after', 'where'])
  text(members.event, `${path}.event`, limits.maxNameLength)
  text(members.scopedBy, `${path}.scopedBy`, limits.maxNameLength)
  optionalTruth(members.did, `${path}.did`)
  optionalTruth(members.after, `${path}.after`)
  checkWhere(members.where, `${path}.where`, context)
}

export const describeRelated = ({ event, did = true, scopedBy, after, where }: RelatedEvent): string =>
  [
    `${did ? 'and' : 'and not'} ${JSON.stringify(event)} with the same ${scopedBy}`,
    ...(after ? ['afterwards'] : []),
    ...describeWhere(where),
  ].join(' ')

export function relatedFilter({ event, did = true, scopedBy, after, where }: RelatedEvent): EventFilter {
  const name = foldName(event)
  const filters = whereFilters(where)
  return (counted, facts) => {
    const value = readProperty(counted.properties, scopedBy)
    const others: readonly EventFact[] = facts.events.get(name) ?? []
    const found = others.some(
      (other) =>
        other.id !== counted.id &&
        (!after || other.at >= counted.at) &&
        sameValue(readProperty(other.properties, scopedBy), value) &&
        filters.every((keep) => keep(other, facts)),
    )
    return found === did
  }
}

/** The counterpart of {@link relatedFilter}, about a row `h` of events. */
export function relatedSql(
  { event, did = true, scopedBy, after, where }: RelatedEvent,
  context: SqlContext,
): string {
  const scope = (alias: string) => propertySql(`${alias}.properties`, scopedBy, context.parameters)
  const filters = [
    ...eventFilters('r', event, where, context),
    'r.person_id = h.person_id',
    'r.id <> h.id',
    ...(after ? ['r.occurred_at >= h.occurred_at'] : []),
    `coalesce(condition_same(${scope('r')}, ${scope('h')}), false)`,
  ]
  return `${did ? '' : 'not '}exists (select from events r where ${filters.join(' and ')})`
}

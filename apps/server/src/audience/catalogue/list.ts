import type { Reading } from '../../platform/capacity/expensive-reads.ts'
import { counterOfEvent } from '../events/over-time.ts'
import { foldName } from '../items/item.ts'
import type { ValueType } from './value-types.ts'

export interface PropertyEntry {
  name: string
  types: { type: ValueType; firstSeen: Date; lastSeen: Date }[]
  /** It had values of more than one type. */
  conflict: boolean
  firstSeen: Date
  lastSeen: Date
}

/** Properties by name: of people, or of an event, named in any spelling. */
export async function listProperties(
  reading: Reading,
  projectId: number,
  event: string | undefined,
): Promise<PropertyEntry[]> {
  const { rows } = await reading.pool.query<PropertyEntry>(
    `select name, min(first_seen) as "firstSeen", max(last_seen) as "lastSeen", count(*) > 1 as conflict,
       jsonb_agg(jsonb_build_object('type', type, 'firstSeen', first_seen, 'lastSeen', last_seen) order by last_seen desc, type)
         as types
     from property_types where project_id = $1 and event = $2 group by name order by name`,
    [projectId, event === undefined ? '' : foldName(event)],
  )
  return rows.map((row) => ({
    ...row,
    types: row.types.map(({ type, firstSeen, lastSeen }) => ({
      type,
      firstSeen: new Date(firstSeen),
      lastSeen: new Date(lastSeen),
    })),
  }))
}

export interface EventNameEntry {
  name: string
  foldedName: string
  firstSeen: Date
  lastSeen: Date
  last30Days: number
}

export async function listEventNames(reading: Reading, projectId: number): Promise<EventNameEntry[]> {
  const { rows } = await reading.pool.query<EventNameEntry>(
    `select n.name, n.folded_name as "foldedName", n.first_seen as "firstSeen", n.last_seen as "lastSeen",
       counted.total as "last30Days"
     from event_names n cross join lateral (
       select coalesce(sum(value), 0)::bigint as total from counters c
       where c.project_id = $1 and c.name = ($2 || n.folded_name) collate "default" and c.hour > $3) as counted
     where n.project_id = $1 order by n.folded_name`,
    [projectId, counterOfEvent(''), new Date(reading.now().getTime() - 30 * 86_400_000)],
  )
  return rows
}

export async function listLabels(
  reading: Reading,
  projectId: number,
  kind: 'tag' | 'topic',
): Promise<{ name: string }[]> {
  const { rows } = await reading.pool.query<{ name: string }>(
    'select name from person_labels where project_id = $1 and kind = $2 order by name',
    [projectId, kind],
  )
  return rows
}

import type { Pool, PoolClient } from 'pg'
import { conflict } from '../../platform/errors.ts'
import { segmentsIn } from '../conditions/expand.ts'
import type { Condition } from '../conditions/language.ts'
import { foldName } from '../items/item.ts'
import { enteredEvent, leftEvent } from './segment-events.ts'

export interface User {
  kind: 'segment' | 'campaign'
  id: number
  name: string
}

interface Row extends User {
  conditions: Condition | null
  /** Folded, of campaigns. */
  trigger: string | null
}

/** What names this segment: in its conditions, or as what triggers it. */
export async function findUsers(
  client: Pool | PoolClient,
  projectId: number,
  { id, name }: { id: number; name: string },
): Promise<User[]> {
  const { rows } = await client.query<Row>(
    `select 'segment' as kind, id, name, conditions, null as trigger from segments
     where project_id = $1 and kind = 'dynamic' and id <> $2
     union all
     select 'campaign', id, name, conditions, folded_trigger from campaigns where project_id = $1
     order by 1 desc, 3`,
    [projectId, id],
  )
  const triggers = [foldName(enteredEvent(name)), foldName(leftEvent(name))]
  return rows
    .filter(
      ({ conditions, trigger }) =>
        (conditions && segmentsIn(conditions).includes(id)) ||
        (trigger !== null && triggers.includes(trigger)),
    )
    .map(({ kind, id, name }) => ({ kind, id, name }))
}

/** @throws {ApiError} 409 with the list */
export async function refuseWhileUsed(
  client: PoolClient,
  projectId: number,
  segment: { id: number; name: string },
): Promise<void> {
  const usedBy = await findUsers(client, projectId, segment)
  if (usedBy.length === 0) return
  const names = usedBy.map(({ kind, name }) => `${kind} "${name}"`).join(', ')
  throw conflict(`The segment is used by ${names}; change or delete that first`, { usedBy })
}

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

/** What may name a segment. */
interface MayUse extends User {
  conditions: Condition | null
  /** The folded name of the event that triggers it. */
  trigger: string | null
}

/** Something whose conditions may name segments, or which their people may trigger; `segment-users.ts` of the server lists them. */
export interface SegmentUsers {
  list(client: Pool | PoolClient, projectId: number): Promise<MayUse[]>
  /** Those who are triggered by one event follow its new name, in the transaction that gives it. */
  renameTrigger(
    client: PoolClient,
    projectId: number,
    names: { from: string; to: string },
    at: Date,
  ): Promise<void>
}

/** What names this segment: in its conditions, or as what triggers it. */
export async function findUsers(
  client: Pool | PoolClient,
  others: readonly SegmentUsers[],
  projectId: number,
  { id, name }: { id: number; name: string },
): Promise<User[]> {
  const { rows: segments } = await client.query<MayUse>(
    `select 'segment' as kind, id, name, conditions, null as trigger from segments
     where project_id = $1 and kind = 'dynamic' and id <> $2 order by name`,
    [projectId, id],
  )
  const lists: MayUse[][] = [segments]
  for (const other of others) lists.push(await other.list(client, projectId))
  const triggers = [foldName(enteredEvent(name)), foldName(leftEvent(name))]
  return lists
    .flat()
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
  others: readonly SegmentUsers[],
  projectId: number,
  segment: { id: number; name: string },
): Promise<void> {
  const usedBy = await findUsers(client, others, projectId, segment)
  if (usedBy.length === 0) return
  const names = usedBy.map(({ kind, name }) => `${kind} "${name}"`).join(', ')
  throw conflict(`The segment is used by ${names}; change or delete that first`, { usedBy })
}

import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Transaction } from '@fairway/queue'
import { firstZone } from '../../platform/time-zone.ts'
import type { Condition } from './language.ts'
import { needsOf } from './needs.ts'
import type { Zones } from './zones.ts'

/** Far more than there are. Whose zone is left out is taken to live in the project's. */
const maxZones = 2_000
/** The first look at a zone takes this process a millisecond. */
const zonesPerTurn = 10

/**
 * What `ConditionCompiler` must know of a project's zones, or undefined where no condition asks.
 *
 * @param range people with these ids alone
 */
export async function loadZones(
  client: Transaction,
  projectId: number,
  condition: Condition | null,
  range?: { from: number; to: number },
): Promise<Zones | undefined> {
  if (condition === null || !needsOf(condition).zones) return undefined
  const { rows } = await client.query(
    `select (select timezone from projects where id = $1) as project, array(
       select distinct timezone from people where project_id = $1 and timezone is not null ${range ? 'and id > $2 and id <= $3' : ''}
       limit ${maxZones}) as people`,
    range ? [projectId, range.from, range.to] : [projectId],
  )
  const zones = rows[0] as Zones
  for (const [place, timezone] of zones.people.entries()) {
    firstZone(timezone).offset(0)
    if (place % zonesPerTurn === zonesPerTurn - 1) await nextTurn()
  }
  return zones
}

import { allEvents, counterOfEvent } from '../../audience/events/over-time.ts'
import { absorbProvisional } from '../../audience/people/addressed.ts'
import { type Change, changesBetween, recordChanges } from '../../audience/people/changes.ts'
import { loadAddressFacts, takeOptOuts } from '../../audience/people/consents.ts'
import { dropMemberships } from '../../audience/people/memberships.ts'
import { type PersonRow, type PersonState, readRegisters, writeState } from '../../audience/people/person.ts'
import { isOfIdentity, type Registers } from '../../audience/people/registers.ts'
import type { PeopleSession } from '../../audience/people/session.ts'
import { liftSuppressions, lockPeople, syncSuppressions, updatePeople } from '../../audience/people/store.ts'
import { addressKey } from '../../platform/email-address.ts'
import type { Former } from './changes.ts'
import { removeMembers } from './segment-members.ts'

/** A step of an import, as it was noted. */
export interface NotedChanges {
  id: number
  created: number[]
  changed: Record<string, Record<string, Former>>
  event_ids: string[]
  event_times: Date[]
  addresses: string[]
  opted_out: string[]
  segment_id: number | null
  members: number[]
  touched: number
}

/**
 * Takes back what a step of an import did, as far as nobody changed it since: a fact that the import's write is still the
 * latest of gets its former value. People whom it created are removed unless they did something or were written to. Whoever
 * gets an address back takes on what was said by it meanwhile, as everybody does who gets one.
 *
 * @param at when the import began, epoch ms
 */
export async function undoChanges(session: PeopleSession, noted: NotedChanges, at: number): Promise<void> {
  await removeEvents(session, noted)
  // Older versions noted other spellings.
  await liftSuppressions(session, noted.addresses.map(addressKey), ['import'])
  if (noted.segment_id !== null) await removeMembers(session, noted.segment_id, noted.members)

  const created = new Set(noted.created)
  const ids = [...created, ...Object.keys(noted.changed).map(Number)]
  const people = await lockPeople(session, ids)
  const active = await findActive(session, noted.created)
  const gone: number[] = []
  const staying = new Map<number, Registers>()
  for (const [id, before] of people) {
    const registers = readRegisters(before)
    if (created.has(id)) {
      if (!active.has(id) && [...registers.values()].every((register) => register.at <= at)) {
        gone.push(id)
        continue
      }
      forgetUntil(registers, at)
    } else restore(registers, noted.changed[id]!)
    staying.set(id, registers)
  }
  await removeConsents(session, [...addressesOf([...people.values()], staying), ...noted.opted_out], at)
  const addresses = addressesOf([], staying)
  const { consents, provisional } = await loadAddressFacts(session, addresses)
  const kept = [...staying].map(([id, registers]) => {
    takeOptOuts(registers, consents)
    return restored(id, people.get(id)!, registers, session.now.getTime())
  })
  await updatePeople(session, kept)
  await recordChanges(session, kept)
  await syncSuppressions(session, kept)
  await removePeople(session, gone)
  await absorbProvisional(
    session,
    addresses.filter((address) => provisional.has(address)),
  )
  for (const { id, changes } of kept) if (changes.length > 0) session.changed.add(id)
}

interface Restored {
  id: number
  at: number
  before: PersonState
  after: PersonState
  changes: Change[]
}

function restored(id: number, before: PersonRow, registers: Registers, at: number): Restored {
  const after = writeState(registers)
  return { id, at, before, after, changes: changesBetween(before, after) }
}

/** Those they had, and those they have now. */
function addressesOf(people: PersonRow[], staying: Map<number, Registers>): string[] {
  const emails: unknown[] = people.map(({ email }) => email)
  for (const registers of staying.values()) emails.push(registers.get('$email')?.value)
  return [...new Set(emails.flatMap((email) => (typeof email === 'string' ? [addressKey(email)] : [])))]
}

function restore(registers: Registers, former: Record<string, Former>): void {
  for (const [name, [wroteAt, formerAt, value]] of Object.entries(former)) {
    if (registers.get(name)?.at !== wroteAt) continue
    if (formerAt === null) registers.delete(name)
    else registers.set(name, { at: formerAt, value })
  }
}

/** What the import wrote of somebody who is there only because of it. Who they are stays. */
function forgetUntil(registers: Registers, at: number): void {
  for (const [name, register] of registers) {
    if (register.at > at || isOfIdentity(name)) continue
    if (name === '$subscribed' || name === '$suppressed')
      registers.set(name, { at: 0, value: name === '$subscribed' })
    else registers.delete(name)
  }
}

/** With events or messages of their own. */
async function findActive({ client, projectId }: PeopleSession, ids: number[]): Promise<Set<number>> {
  if (ids.length === 0) return new Set()
  const { rows } = await client.query<{ id: number }>(
    `select id from unnest($2::bigint[]) as p (id)
     where exists (select from events where project_id = $1 and person_id = p.id)
        or exists (select from messages where project_id = $1 and person_id = p.id)
        or exists (select from person_aliases where project_id = $1 and person_id = p.id and kind = 'external')`,
    [projectId, ids],
  )
  return new Set(rows.map(({ id }) => id))
}

async function removePeople(session: PeopleSession, ids: number[]): Promise<void> {
  if (ids.length === 0) return
  const { client, projectId } = session
  await dropMemberships(session, ids)
  for (const table of ['person_aliases', 'person_changes', 'frequency_holds'])
    await client.query(`delete from ${table} where project_id = $1 and person_id = any($2::bigint[])`, [
      projectId,
      ids,
    ])
  await client.query('delete from people where project_id = $1 and id = any($2::bigint[])', [projectId, ids])
}

/** Mail that they triggered and that was not sent yet is not sent any more. */
async function removeEvents(
  { client, projectId, now, events }: PeopleSession,
  { event_ids, event_times }: NotedChanges,
): Promise<void> {
  if (event_ids.length === 0) return
  await client.query(
    `update messages set state = 'skipped', reason = 'import undone', settled_at = $3
     where project_id = $1 and event_id = any($2::uuid[]) and state = 'pending'`,
    [projectId, event_ids, now],
  )
  const { rows } = await client.query<{ person_id: number; folded_name: string; hour: Date }>(
    `delete from events e using unnest($2::uuid[], $3::timestamptz[]) as r (id, at)
     where e.project_id = $1 and e.occurred_at = r.at and e.id = r.id
     returning e.person_id, e.folded_name, date_trunc('hour', e.occurred_at) as hour`,
    [projectId, event_ids, event_times],
  )
  // Segments look again at people by what they did.
  for (const { person_id, folded_name } of rows) events.push({ personId: person_id, foldedName: folded_name })
  await client.query(
    `update counters c set value = greatest(0, c.value - r.count)
     from (select name, hour, count(*) from unnest($2::text[], $3::timestamptz[]) as e (name, hour)
           group by name, hour order by name, hour) as r
     where c.project_id = $1 and c.name = r.name and c.hour = r.hour`,
    [
      projectId,
      rows.flatMap(({ folded_name }) => [allEvents, counterOfEvent(folded_name)]),
      rows.flatMap(({ hour }) => [hour, hour]),
    ],
  )
}

/** What its rows said by address alone, which holds for whoever gets the address later. */
async function removeConsents(
  { client, projectId }: PeopleSession,
  addresses: string[],
  at: number,
): Promise<void> {
  await client.query(
    'delete from address_consents where project_id = $1 and at = $2 and address = any($3::text[])',
    [projectId, at, addresses],
  )
}

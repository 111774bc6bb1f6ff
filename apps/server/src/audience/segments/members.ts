import type { App } from '../../platform/app.ts'
import { integerShape, type Page, readCursor, toPage, writeCursor } from '../../platform/db/cursor.ts'
import { conflict, invalidField } from '../../platform/errors.ts'
import { ensurePartitions } from '../events/partitions.ts'
import { parsePersonPath } from '../people/edit.ts'
import { loadFirstEntries, type PersonEntry } from '../people/list.ts'
import { findPersonIds } from '../people/lookup.ts'
import { type PeopleSession, withPeople } from '../people/session.ts'
import type { StoreEvents } from './evaluate.ts'
import { lockSegments } from './lock.ts'
import { changeMemberships, membersAmong } from './membership.ts'
import { requireSegment, type SegmentRow } from './segment.ts'
import { type Crossing, crossingEvents } from './segment-events.ts'

export interface Member {
  person: PersonEntry
  enteredAt: Date
}

/** Newest people first. */
export async function listMembers(
  app: App,
  projectId: number,
  segmentId: number,
  { limit, cursor }: { limit: number; cursor?: string },
): Promise<Page<Member>> {
  await requireSegment(app.pool, projectId, segmentId)
  const before = cursor === undefined ? null : readCursor(cursor, integerShape)[0]!
  const { rows } = await app.pool.query<{ person_id: number; entered_at: Date }>(
    `select person_id, entered_at from segment_members
     where project_id = $1 and segment_id = $2 and ($3::bigint is null or person_id < $3)
     order by person_id desc limit $4`,
    [projectId, segmentId, before, limit + 1],
  )
  const shown = rows.slice(0, limit).map(({ person_id }) => person_id)
  const { items, through } = await loadFirstEntries(app, projectId, shown)
  const entries = new Map(items.map((entry) => [entry.id, entry]))
  const page = toPage(
    rows,
    through,
    (last) => writeCursor(String(last.person_id)),
    (row) => row,
  )
  return {
    ...page,
    items: page.items.flatMap(({ person_id, entered_at }) => {
      const person = entries.get(person_id)
      return person ? [{ person, enteredAt: entered_at }] : []
    }),
  }
}

/**
 * Adds people, named as in paths, to a manual segment, and removes others.
 *
 * @throws {ApiError} 404, 409 for a dynamic segment, 422 that names the person who does not exist
 */
export async function changeMembers(
  app: App,
  storeEvents: StoreEvents,
  projectId: number,
  segmentId: number,
  { add, remove }: { add: string[]; remove: string[] },
): Promise<void> {
  const segment = await requireManualSegment(app, projectId, segmentId)
  const added = await resolvePeople(app, projectId, add, 'add')
  const removed = await resolvePeople(app, projectId, remove, 'remove')
  await ensurePartitions(app.pool, [app.now().getTime()])
  await withPeople(app, projectId, { exclusive: false }, (session) =>
    changeManualSegment(session, segment, { add: added, remove: removed }, storeEvents),
  )
}

/** @throws {ApiError} 404, or 409 for a dynamic segment */
export async function requireManualSegment(
  app: App,
  projectId: number,
  segmentId: number,
): Promise<SegmentRow> {
  const segment = await requireSegment(app.pool, projectId, segmentId)
  if (segment.kind === 'dynamic')
    throw conflict(`${segment.name} is made of conditions: people enter and leave it by what they do`)
  return segment
}

/**
 * Inside a session. The partition of this moment's events must exist.
 *
 * @returns those who were not in it before
 */
export async function changeManualSegment(
  session: PeopleSession,
  { id, name }: { id: number; name: string },
  { add, remove }: { add: number[]; remove: number[] },
  storeEvents: StoreEvents,
): Promise<number[]> {
  const { client, projectId, now } = session
  await lockSegments(client, projectId)
  const members = await membersAmong(client, projectId, id, [...add, ...remove])
  const enter = [...new Set(add)].filter((person) => !members.has(person))
  const leave = [...new Set(remove)].filter((person) => members.has(person) || enter.includes(person))
  const toMembership = (personId: number) => ({ segmentId: id, personId })
  await changeMemberships(client, projectId, {
    entered: enter.map(toMembership),
    left: leave.map(toMembership),
    now,
  })
  // Dynamic segments may name this one.
  for (const person of [...enter, ...leave]) session.changed.add(person)
  const crossing = (entered: boolean) => (personId: number) => ({ personId, segment: { id, name }, entered })
  const crossings: Crossing[] = [...enter.map(crossing(true)), ...leave.map(crossing(false))]
  if (crossings.length > 0) await storeEvents(session, crossingEvents(projectId, crossings, now))
  return enter
}

async function resolvePeople(app: App, projectId: number, paths: string[], field: string): Promise<number[]> {
  if (paths.length === 0) return []
  const references = paths.map((text) => {
    const path = parsePersonPath(text)
    return 'internal' in path ? { internalId: path.internal } : { id: path.external }
  })
  const ids = await findPersonIds(app.pool, projectId, references)
  return ids.map((id, place) => {
    if (id === null)
      throw invalidField(`${field}.${place}`, `${field}.${place}: there is no person ${paths[place]}`)
    return id
  })
}

import type { Json } from '@fairway/queue'
import type { App } from '../../platform/app.ts'
import type { Reading } from '../../platform/capacity/expensive-reads.ts'
import { bytesOf, readPage } from '../../platform/db/bounded-page.ts'
import { integerShape, type Page, readCursor, timestampShape, writeCursor } from '../../platform/db/cursor.ts'
import { notFound } from '../../platform/errors.ts'
import { addressKeySql } from './address-sql.ts'
import { type Device, type Person, personColumns } from './person.ts'

/** A person as the REST API tells them. */
export interface PersonEntry {
  id: number
  externalId: string | null
  /** Their id is an address that serves as one, until an id comes with it. */
  provisional: boolean
  anonymousId: string | null
  email: string | null
  phone: string | null
  timezone: string | null
  language: string | null
  properties: Record<string, Json>
  tags: string[]
  topics: Record<string, boolean>
  channels: Device[]
  subscribed: boolean
  /** Why nothing is sent to them, whatever it is; null when it may be. */
  suppressed: { reason: string; createdAt: Date; addedBy: string | null } | null
  createdAt: Date
  updatedAt: Date
}

export interface PersonDetail extends PersonEntry {
  /** Other ids that lead here: of merged people, and anonymous ones. At most 100. */
  aliases: { alias: string; kind: 'external' | 'anonymous'; createdAt: Date }[]
  /** They belong to now, by name. */
  segments: { id: number; name: string }[]
}

/** The columns of an entry, and of what they come from: `people` as `p`, in a statement whose $1 is the project. */
const entryColumns = `${personColumns}, to_timestamp((written ->> '$suppressed')::double precision / 1000) as suppressed_at,
  s.reason, s.listed_at, s.added_by`
const withSuppression = `people p left join lateral (
  select reason, created_at as listed_at, added_by from suppressions
  where project_id = $1 and address = ${addressKeySql('p')} collate "default") as s on true`
const personBytes = bytesOf('properties', 'tags', 'topics', 'channels')

/** Newest change first. */
export async function listPeople(
  app: App,
  projectId: number,
  { limit, cursor }: { limit: number; cursor?: string },
): Promise<Page<PersonEntry>> {
  const values: unknown[] = [projectId]
  const where = ['project_id = $1']
  if (cursor !== undefined) {
    const [at, id] = readCursor(cursor, timestampShape, integerShape)
    where.push(`(updated_at, id) < ($${values.push(at)}::timestamptz, $${values.push(id)}::bigint)`)
  }
  const query = `select ${entryColumns}, updated_at::text as exactly, ${personBytes} as bytes
    from ${withSuppression} where ${where.join(' and ')} order by updated_at desc, id desc limit $${values.push(limit + 1)}`
  return readPage<EntryRow & { exactly: string }, PersonEntry>(
    app.pool,
    { query, values, order: 'updated_at desc, id desc', limit },
    (last) => writeCursor(last.exactly, String(last.id)),
    toEntry,
  )
}

/** In the order of the ids; those who are gone are left out. Of large people, the first ones: a megabyte of them. */
export const loadEntries = async (
  reading: Pick<Reading, 'pool'>,
  projectId: number,
  ids: number[],
): Promise<PersonEntry[]> => (await loadFirstEntries(reading, projectId, ids)).items

/** As {@link loadEntries}, and of how many of the ids that is. */
export async function loadFirstEntries(
  reading: Pick<Reading, 'pool'>,
  projectId: number,
  ids: number[],
): Promise<{ items: PersonEntry[]; through: number }> {
  if (ids.length === 0) return { items: [], through: 0 }
  // By `select`, which the planner does not look into: of a project newer than its statistics it would expect nobody, and
  // read the index of everybody's changes through.
  const query = `select ${entryColumns}, array_position($2::bigint[], id) as place, ${personBytes} as bytes
    from ${withSuppression} where project_id = (select $1::integer) and id = any($2::bigint[])`
  const { items, nextCursor } = await readPage<EntryRow & { place: number }, PersonEntry>(
    reading.pool,
    { query, values: [projectId, ids], order: 'place', limit: ids.length },
    ({ place }) => String(place),
    toEntry,
  )
  return { items, through: nextCursor === null ? ids.length : Number(nextCursor) }
}

const toEntry = (person: EntryRow): PersonEntry => ({
  id: person.id,
  externalId: person.external_id,
  provisional: person.provisional,
  anonymousId: person.anonymous_id,
  email: person.email,
  phone: person.phone,
  timezone: person.timezone,
  language: person.language,
  properties: person.properties,
  tags: person.tags,
  topics: person.topics,
  channels: person.channels,
  subscribed: person.subscribed,
  suppressed: suppressionOf(person),
  createdAt: person.created_at,
  updatedAt: person.updated_at,
})

/** @throws {ApiError} 404 */
export async function describePerson(app: App, projectId: number, personId: number): Promise<PersonDetail> {
  const { rows } = await app.pool.query<EntryRow & Pick<PersonDetail, 'aliases' | 'segments'>>(
    `select ${entryColumns}, aliases, segments
     from ${withSuppression}
     cross join lateral (
       select coalesce(jsonb_agg(jsonb_build_object('alias', alias, 'kind', kind, 'createdAt', at) order by at, alias),
         '[]') as aliases
       from (select alias, kind, created_at as at from person_aliases
             where project_id = $1 and person_id = p.id order by created_at, alias limit 100) as a) as a
     cross join lateral (
       select coalesce(jsonb_agg(jsonb_build_object('id', g.id, 'name', g.name) order by lower(g.name)), '[]') as segments
       from segment_members m join segments g on g.project_id = $1 and g.id = m.segment_id
       where m.project_id = $1 and m.person_id = p.id) as m
     where p.project_id = $1 and p.id = $2`,
    [projectId, personId],
  )
  const row = rows[0]
  if (!row) throw notFound('Person')
  return { ...toEntry(row), aliases: row.aliases, segments: row.segments }
}

interface EntryRow extends Person {
  suppressed_at: Date | null
  reason: string | null
  listed_at: Date | null
  added_by: string | null
}

function suppressionOf(row: EntryRow): PersonEntry['suppressed'] {
  if (row.reason !== null) return { reason: row.reason, createdAt: row.listed_at!, addedBy: row.added_by }
  return row.suppressed
    ? { reason: 'api', createdAt: row.suppressed_at ?? row.updated_at, addedBy: null }
    : null
}

import type { Json } from '@fairway/queue'
import type { Reading } from '../../platform/capacity/expensive-reads.ts'
import { bytesOf, readPage } from '../../platform/db/bounded-page.ts'
import { type Page, readCursor, timestampShape, uuidShape, writeCursor } from '../../platform/db/cursor.ts'
import { foldName } from '../items/item.ts'

export interface EventEntry {
  id: string
  name: string
  personId: number
  person: { id: number; externalId: string | null; email: string | null } | null
  properties: Record<string, Json>
  source: string | null
  occurredAt: Date
  receivedAt: Date
}

interface Row {
  id: string
  name: string
  person_id: number
  found: number | null
  external_id: string | null
  email: string | null
  properties: Record<string, Json>
  source: string | null
  occurred_at: Date
  received_at: Date
  exactly: string
}

/** By the time they happened, newest first. Names fold. */
export async function listEvents(
  reading: Reading,
  projectId: number,
  filter: { name?: string; person?: number },
  { limit, cursor }: { limit: number; cursor?: string },
): Promise<Page<EventEntry>> {
  const values: unknown[] = [projectId]
  const where = ['e.project_id = $1']
  if (filter.name !== undefined) where.push(`e.folded_name = $${values.push(foldName(filter.name))}`)
  if (filter.person !== undefined) where.push(`e.person_id = $${values.push(filter.person)}`)
  if (cursor !== undefined) {
    const [at, id] = readCursor(cursor, timestampShape, uuidShape)
    where.push(`(e.occurred_at, e.id) < ($${values.push(at)}::timestamptz, $${values.push(id)}::uuid)`)
  }
  const query = `select e.id, e.name, e.person_id, p.id as found, p.external_id, p.email, e.properties, e.source, e.occurred_at,
       e.received_at, e.occurred_at::text as exactly, ${bytesOf('e.properties')} as bytes
     from (select * from events e where ${where.join(' and ')}
           order by e.occurred_at desc, e.id desc limit $${values.push(limit + 1)}) as e
     left join people p on p.project_id = $1 and p.id = e.person_id
     order by e.occurred_at desc, e.id desc`
  return readPage<Row, EventEntry>(
    reading.pool,
    { query, values, order: 'occurred_at desc, id desc', limit },
    (last) => writeCursor(last.exactly, last.id),
    toEntry,
  )
}

const toEntry = (row: Row): EventEntry => ({
  id: row.id,
  name: row.name,
  personId: row.person_id,
  person: row.found === null ? null : { id: row.found, externalId: row.external_id, email: row.email },
  properties: row.properties,
  source: row.source,
  occurredAt: row.occurred_at,
  receivedAt: row.received_at,
})

export interface HourCounts {
  at: Date
  counts: Record<string, number>
}

/** What ingestion counted, hour by hour, the current hour last. Hours without anything are left out. */
export async function countByHour(reading: Reading, projectId: number, hours: number): Promise<HourCounts[]> {
  const { rows } = await reading.pool.query<HourCounts>(
    `select hour as at, jsonb_object_agg(name, value) as counts from counters
     where project_id = $1 and name = any($2::text[]) and hour > $3 group by hour order by hour`,
    [projectId, counterNames, new Date(reading.now().getTime() - hours * 3_600_000)],
  )
  return rows
}

/** The counters of ingestion: stored events, other items by their kind, and what was not processed. */
const counterNames = [
  'events',
  'identifies',
  'tags',
  'merges',
  'subscriptions',
  'suppressions',
  'deletes',
  'duplicates',
  'rejected',
  'erased',
]

import { hash } from 'node:crypto'
import type { PoolClient } from 'pg'
import type { StoredEvent } from '../items/item.ts'

/** An event about to be stored; `source` says who sent it. */
export type NewEvent = StoredEvent & { source: string }

/** UUID (version 8: our own scheme) derived from its cause, so that a redelivered job stores its event once. */
export const eventId = (projectId: number, jobId: string): string => uuidOf(`event\0${projectId}\0${jobId}`)

export function uuidOf(name: string): string {
  const hex = hash('sha256', name, 'hex')
  const variant = '89ab'[Number.parseInt(hex[16]!, 16) & 3]
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

/** Stores events, whose partitions exist, and returns those that were not there before. */
export async function insertEvents(
  client: PoolClient,
  projectId: number,
  events: NewEvent[],
): Promise<StoredEvent[]> {
  if (events.length === 0) return []
  // One JSON text: quicker to make and to read than arrays of escaped JSON texts. Times as epoch ms.
  const rows = events.map(
    ({ id, personId, name, foldedName, properties, source, occurredAt, receivedAt }) => ({
      id,
      person: personId,
      name,
      folded: foldedName,
      properties,
      source,
      occurred: occurredAt.getTime(),
      received: receivedAt.getTime(),
    }),
  )
  const { rows: inserted } = await client.query<{ id: string }>({
    name: 'events_insert',
    text: `insert into events (project_id, person_id, id, name, folded_name, properties, source, occurred_at, received_at)
           select $1, person, id, name, folded, properties, source,
             to_timestamp(occurred / 1000), to_timestamp(received / 1000)
           from json_to_recordset($2) as r (person bigint, id uuid, name text, folded text,
             properties jsonb, source text, occurred float8, received float8)
           on conflict do nothing returning id`,
    values: [projectId, JSON.stringify(rows)],
  })
  if (inserted.length === events.length) return events
  const stored = new Set(inserted.map(({ id }) => id))
  return events.filter(({ id }) => stored.has(id))
}

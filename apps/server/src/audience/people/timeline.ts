import type { Json } from '@fairway/queue'
import type { Reading } from '../../platform/capacity/expensive-reads.ts'
import { bytesOf, readPage } from '../../platform/db/bounded-page.ts'
import { type Page, readCursor, timestampShape, writeCursor } from '../../platform/db/cursor.ts'

/** One line of a person's history. `id` is unique within its kind. */
export type TimelineEntry =
  | {
      kind: 'event'
      id: string
      at: Date
      name: string
      properties: Record<string, Json>
      source: string | null
    }
  | {
      kind: 'message'
      id: string
      at: Date
      state: string
      reason: string | null
      subject: string | null
      origin: string | null
      originId: number | null
      consent: Json
      class: string
      campaignId: number | null
      templateId: number | null
    }
  | { kind: 'change'; id: string; at: Date; change: string; detail: Record<string, Json> }

interface Row {
  kind: TimelineEntry['kind']
  id: string
  at: Date
  exactly: string
  entry: Record<string, Json>
}

/** Each kind: its table, its time, its id, and what it tells. */
const sources = [
  ['change', 'person_changes', 'at', 'id', `jsonb_build_object('change', t.kind, 'detail', t.detail)`],
  [
    'event',
    'events',
    'occurred_at',
    'id',
    `jsonb_build_object('name', t.name, 'properties', t.properties, 'source', t.source)`,
  ],
  [
    'message',
    'messages',
    'created_at',
    'id',
    `jsonb_build_object('state', t.state, 'reason', t.reason, 'subject', t.subject, 'origin', t.origin,
       'originId', t.origin_id, 'consent', t.consent, 'class', t.class,
       'campaignId', t.campaign_id, 'templateId', t.template_id)`,
  ],
] as const

/** A page from each source along its index, merged; ties go by kind and id, so that no page repeats or skips one. */
const pageOf = ([kind, table, time, id, entry]: (typeof sources)[number]) => `
  (select '${kind}' as kind, t.${id}::text as id, t.${time} as at, ${entry} as entry
   from ${table} t
   where t.project_id = $1 and t.person_id = $2
     and ($3::timestamptz is null or (t.${time} <= $3
       and (t.${time} < $3 or '${kind}' < $4 or ('${kind}' = $4 and t.${id}::text collate "C" < $5))))
   order by t.${time} desc, t.${id}::text collate "C" desc limit $6)`

const order = 'at desc, kind collate "C" desc, id collate "C" desc'
const timelineSql = `select kind, id, at, at::text as exactly, entry, ${bytesOf('entry')} as bytes from (${sources.map(pageOf).join(' union all ')}) as t
  order by ${order} limit $6`

/** Events, messages and changes of a person, newest first. Empty for a person who does not exist. */
export async function listTimeline(
  reading: Reading,
  projectId: number,
  personId: number,
  { limit, cursor }: { limit: number; cursor?: string },
): Promise<Page<TimelineEntry>> {
  const after =
    cursor === undefined ? [null, null, null] : readCursor(cursor, timestampShape, /^\w+$/, /^[\w-]+$/)
  return readPage<Row, TimelineEntry>(
    reading.pool,
    { query: timelineSql, values: [projectId, personId, ...after, limit + 1], order, limit },
    (last) => writeCursor(last.exactly, last.kind, last.id),
    ({ kind, id, at, entry }) => ({ kind, id, at, ...entry }) as unknown as TimelineEntry,
  )
}

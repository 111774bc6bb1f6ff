import type { Pool, PoolClient } from 'pg'
import type { Reading } from '../../platform/capacity/expensive-reads.ts'

/** Which failed messages are meant: all that is named holds for each. */
export interface FailedFilter {
  /** A part of the reason, as it is written. */
  reason?: string
  /** What made them. */
  origin?: string
  campaign?: number
  /** A number of one of the project's SMTP servers. */
  provider?: number
  /** When they failed (ISO 8601): from the first on, before the second. */
  from?: string
  to?: string
}

export interface FailedMessages {
  /** Of the newest 10,000 failed messages. */
  count: number
  /** There are more failed messages than were looked at. */
  more: boolean
  /** Most messages first; ten at most. */
  reasons: { reason: string; count: number }[]
}

export interface FailedRow {
  id: string
  recipient: string | null
  personSuppressed: boolean
  matches: boolean
  /** Where the next step begins: its time to the microsecond. */
  createdAt: string
}

const maxCounted = 10_000
const maxReasons = 10

/** For a question before they are tried again. Reads 10,000 rows at most. */
export async function countFailed(
  { pool }: Pick<Reading, 'pool'>,
  projectId: number,
  filter: FailedFilter,
): Promise<FailedMessages> {
  const values: unknown[] = [projectId]
  const { rows } = await pool.query<{
    reason: string | null
    count: string
    total: string
    examined: string
  }>(
    `with failed as materialized (
       select * from messages where project_id = $1 and state = 'failed' order by created_at desc limit ${maxCounted + 1}),
     looked as materialized (select * from failed limit ${maxCounted}),
     meant as (
       select coalesce(m.reason, '') as reason, count(*) as count from looked m where ${conditionOf(filter, values)} group by 1)
     select reason, count, coalesce(sum(count) over (), 0) as total, (select count(*) from failed) as examined
     from (select) as one left join meant on true order by count desc nulls last, reason limit ${maxReasons}`,
    values,
  )
  return {
    count: Number(rows[0]?.total ?? 0),
    more: Number(rows[0]?.examined ?? 0) > maxCounted,
    reasons: rows.flatMap(({ reason, count }) => (reason === null ? [] : [{ reason, count: Number(count) }])),
  }
}

/** The next failed messages from a place on, those made first first, and which of them are meant. */
export async function lookAtFailed(
  client: Pool | PoolClient,
  projectId: number,
  filter: FailedFilter,
  { after, settledBefore, most }: { after: [string, string] | null; settledBefore: Date; most: number },
): Promise<FailedRow[]> {
  const values: unknown[] = [projectId, after?.[0] ?? null, after?.[1] ?? null, settledBefore, most]
  const { rows } = await client.query<FailedRow>(
    `select m.id, m.recipient, m.created_at::text as "createdAt", coalesce(p.suppressed, false) as "personSuppressed",
            (m.settled_at is null or m.settled_at <= $4::timestamptz) and ${conditionOf(filter, values)} as matches
     from (select * from messages where project_id = $1 and state = 'failed'
             and ($2::timestamptz is null or (created_at, id) > ($2::timestamptz, $3::uuid))
           order by created_at, id limit $5) as m
     left join people p on p.project_id = m.project_id and p.id = m.person_id
     order by m.created_at, m.id`,
    values,
  )
  return rows
}

function conditionOf(
  { reason, origin, campaign, provider, from, to }: FailedFilter,
  values: unknown[],
): string {
  const place = (value: unknown) => `$${values.push(value)}`
  const conditions = ['true']
  if (reason !== undefined) conditions.push(`strpos(coalesce(m.reason, ''), ${place(reason)}::text) > 0`)
  if (origin !== undefined) conditions.push(`m.origin = ${place(origin)}`)
  if (campaign !== undefined) conditions.push(`m.origin = 'campaign' and m.origin_id = ${place(campaign)}`)
  if (provider !== undefined) conditions.push(`m.provider = ${place(`provider ${provider}`)}`)
  if (from !== undefined) conditions.push(`m.settled_at >= ${place(from)}::timestamptz`)
  if (to !== undefined) conditions.push(`m.settled_at < ${place(to)}::timestamptz`)
  return `coalesce(${conditions.join(' and ')}, false)`
}

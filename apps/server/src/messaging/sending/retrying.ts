import type { Reading } from '../../platform/capacity/expensive-reads.ts'

/** Messages that could not be sent yet and are tried again by themselves. */
export interface Retrying {
  /** 10,000 at most. */
  count: number
  /** There are more than were counted. */
  more: boolean
  /** Of the counted ones, those that may be tried ahead of time now. */
  triable: number
  /** When the first of them is tried; in the past for one whose turn it is. */
  nextTryAt: Date | null
  /** Most messages first; five at most. */
  reasons: RetryReason[]
}

export interface RetryReason {
  reason: string
  /** As messages name it: `provider 7`, or `installation`. */
  provider: string | null
  count: number
  nextTryAt: Date
}

/** What is due sooner comes by itself. */
const soonMs = 1_000
/** What was asked for is not asked for again so soon: each time makes a job. */
const onceInMs = 120_000

/** Of a message's row, whether it may be tried ahead of time: SQL, with the names of {@link triableAt}'s values. */
export const isTriable = (soon: string, lately: string): string =>
  `(next_try_at > ${soon}::timestamptz and (try_now_at is null or try_now_at <= ${lately}::timestamptz))`

export const triableAt = (now: Date) => ({
  soon: new Date(now.getTime() + soonMs),
  lately: new Date(now.getTime() - onceInMs),
})

const maxCounted = 10_000
const maxReasons = 5

/** Those of a provider, or all. Reads {@link maxCounted} rows at most, however many there are. */
export async function readRetrying(
  { pool }: Pick<Reading, 'pool'>,
  projectId: number,
  { now, provider }: { now: Date; provider?: string },
): Promise<Retrying> {
  const { soon, lately } = triableAt(now)
  const { rows } = await pool.query<RetryReason & { total: number; first: Date; triable: number }>(
    `with retrying as materialized (
       select reason, provider, next_try_at, ${isTriable('$3', '$4')} as triable from messages
       where project_id = $1 and next_try_at is not null and ($2::text is null or provider = $2)
       order by next_try_at limit ${maxCounted + 1})
     select coalesce(reason, '') as reason, provider, count(*) as count, min(next_try_at) as "nextTryAt",
            sum(count(*)) over () ::integer as total, min(min(next_try_at)) over () as first,
            sum(count(*) filter (where triable)) over () ::integer as triable
     from retrying group by reason, provider order by 3 desc, 4 limit ${maxReasons}`,
    [projectId, provider ?? null, soon, lately],
  )
  const total = rows[0]?.total ?? 0
  return {
    count: Math.min(total, maxCounted),
    more: total > maxCounted,
    triable: Math.min(rows[0]?.triable ?? 0, maxCounted),
    nextTryAt: rows[0]?.first ?? null,
    reasons: rows.map(({ reason, provider, count, nextTryAt }) => ({ reason, provider, count, nextTryAt })),
  }
}

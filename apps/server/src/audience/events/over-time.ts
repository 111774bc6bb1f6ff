import type { Reading } from '../../platform/capacity/expensive-reads.ts'
import { invalidField } from '../../platform/errors.ts'
import { foldName } from '../items/item.ts'

/**
 * Ingestion counts stored events by the hour in which they happened, all of them and by name, so that a chart of a hundred
 * million events reads as many rows as it has hours.
 */
export type EventCounter = `event:${string}`

export const counterOfEvent = (foldedName: string): EventCounter => `event:${foldedName}`
/** No event has an empty name. */
export const allEvents: EventCounter = 'event:'

const maxPoints = 2_500
const hourMs = 3_600_000
const defaultMs = { hour: 48 * hourMs, day: 30 * 24 * hourMs }

export interface Point {
  at: Date
  count: number
}

/**
 * Events of this name, or all, by the hour or by the project's day in which they happened; points without any are 0.
 *
 * @throws {ApiError} 422 for a range that ends before it begins or has too many points
 */
export async function countOverTime(
  reading: Reading,
  project: { id: number; timezone: string },
  { name, from, to, unit }: { name?: string; from?: string; to?: string; unit: 'hour' | 'day' },
): Promise<Point[]> {
  const until = to === undefined ? reading.now() : readTime('to', to)
  const since = from === undefined ? new Date(until.getTime() - defaultMs[unit]) : readTime('from', from)
  if (since > until) throw invalidField('from', 'must not be later than to')
  const points = (until.getTime() - since.getTime()) / hourMs / (unit === 'hour' ? 1 : 24)
  if (points > maxPoints)
    throw invalidField('from', `must be at most ${maxPoints.toLocaleString('en')} ${unit}s before to`)
  const counter = name === undefined ? allEvents : counterOfEvent(foldName(name))
  const zone = unit === 'hour' ? 'UTC' : project.timezone
  const { rows } = await reading.pool.query<Point>(
    `with points as (
       select local at time zone $5 as at
       from generate_series(date_trunc($6, $3::timestamptz at time zone $5), $4::timestamptz at time zone $5,
         ('1 ' || $6)::interval) as s (local)),
     counted as (
       select date_trunc($6, hour at time zone $5) at time zone $5 as at, sum(value)::bigint as count from counters
       where project_id = $1 and name = $2 and hour <= $4
         and hour >= date_trunc($6, $3::timestamptz at time zone $5) at time zone $5
       group by 1)
     select at, coalesce(count, 0) as count from points left join counted using (at) order by at`,
    [project.id, counter, since, until, zone, unit],
  )
  return rows
}

function readTime(field: string, text: string): Date {
  const time = new Date(/^[12]\d{3}-\d\d-\d\d([T ].*)?$/.test(text) ? text : Number.NaN)
  if (Number.isNaN(time.getTime())) throw invalidField(field, 'must be a time such as 2026-06-01T12:00:00Z')
  return time
}

import { DateTime, type Zone } from 'luxon'
import { firstZone } from '../../platform/time-zone.ts'

/** Which zones there are for statements to know: those of a project's people, as they are written, and its own. */
export interface Zones {
  project: string | null
  people: string[]
}

/** A day counts from 1970-01-01, as in `Date.UTC(…) / dayMs`. */
export const dayMs = 86_400_000

/** A moment as people of a zone see it. */
export interface LocalMoment {
  /** Today. */
  day: number
  /** How far local time is ahead of UTC, ms. */
  offset: number
  /** When tomorrow begins, epoch ms. */
  midnight: number
}

const moments = new WeakMap<Zone, { now: number; moment: LocalMoment }>()

/** Kept for the last `now` asked for: thousands of people of a few zones are looked at at once. */
export function momentIn(zone: Zone, now: Date): LocalMoment {
  const known = moments.get(zone)
  if (known?.now === now.getTime()) return known.moment
  const local = DateTime.fromJSDate(now, { zone })
  const moment = {
    day: Date.UTC(local.year, local.month - 1, local.day) / dayMs,
    offset: local.offset * 60_000,
    midnight: local.plus({ days: 1 }).startOf('day').toMillis(),
  }
  moments.set(zone, { now: now.getTime(), moment })
  return moment
}

/** The moment for somebody: in their own zone if it makes sense, else in the project's, else in UTC. */
export const momentOf = (person: string | null, project: string | null | undefined, now: Date): LocalMoment =>
  momentIn(firstZone(person, project), now)

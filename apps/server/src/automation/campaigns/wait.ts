import type { Json } from '@fairway/queue'
import { DateTime, type Zone } from 'luxon'
import {
  allowOnly,
  list,
  type Members,
  object,
  oneOf,
  refuse,
  text,
  wholeNumber,
} from '../../audience/conditions/check.ts'
import { personProperty } from '../../audience/conditions/person-property.ts'
import { readInstant, readProperty } from '../../audience/conditions/values.ts'
import type { Recipient } from '../../audience/people/lookup.ts'
import { firstZone } from '../../platform/time-zone.ts'

/** When a campaign's message is due after its trigger event. Counted from the event's own time. */
export type Wait =
  | { kind: 'immediately' }
  /** A length of time; with `days`, the same time of day that many calendar days later where the person lives. */
  | { kind: 'after'; seconds: number }
  | { kind: 'after'; days: number }
  | UntilProperty
  | AtLocalTime

/** A date that the event or the person carries, moved by `offsetSeconds` (negative: before). */
export interface UntilProperty {
  kind: 'until_property'
  of: 'event' | 'person'
  property: string
  offsetSeconds?: number
  /** When there is no date, or the time had passed before the event happened. Default: skip. */
  ifMissing?: Otherwise
  ifPast?: Otherwise
}

/** A time of day where the person lives, at the earliest `days` calendar days after the event. */
export interface AtLocalTime {
  kind: 'at_local_time'
  /** `HH:MM`, 24 hours. */
  time: string
  days?: number
  /** ISO weekdays that are allowed: 1 is Monday, 7 Sunday. Default: all. */
  weekdays?: number[]
}

export type Otherwise = 'skip' | 'send_now'

export interface WaitContext {
  event: { occurredAt: Date; properties: Record<string, Json> }
  /** Needed only when {@link needsPerson}. */
  person?: Recipient
  /** Of the project: used when the person has none that makes sense. */
  projectTimezone: string
  now: Date
}

/** When to send, possibly in the past (then: at once), or why not to. */
export type Due = { at: Date } | { skip: string }

const maxSeconds = 3_650 * 86_400
/** How late a local time of day may be kept; later, the next allowed one is taken. */
const localTimeGraceMs = 3_600_000

export const needsPerson = (wait: Wait): boolean =>
  wait.kind === 'at_local_time' || (wait.kind === 'after' && 'days' in wait) || wait.kind === 'until_property'

export function dueAt(wait: Wait, context: WaitContext): Due {
  switch (wait.kind) {
    case 'immediately':
      return { at: context.now }
    case 'after':
      return { at: afterwards(wait, context) }
    case 'until_property':
      return untilProperty(wait, context)
    case 'at_local_time':
      return { at: atLocalTime(wait, context) }
  }
}

function afterwards(wait: Extract<Wait, { kind: 'after' }>, context: WaitContext): Date {
  const { occurredAt } = context.event
  if ('seconds' in wait) return new Date(occurredAt.getTime() + wait.seconds * 1_000)
  return DateTime.fromJSDate(occurredAt, { zone: zoneOf(context) })
    .plus({ days: wait.days })
    .toJSDate()
}

function untilProperty(wait: UntilProperty, context: WaitContext): Due {
  const { event, person, now } = context
  const value =
    wait.of === 'event'
      ? readProperty(event.properties, wait.property)
      : person && personProperty(person, wait.property)
  const instant = readInstant(value, zoneOf(context).name)
  const otherwise = (rule: Otherwise | undefined, reason: string): Due =>
    rule === 'send_now' ? { at: now } : { skip: `wait: ${wait.of}.${wait.property} ${reason}` }
  if (instant === undefined) return otherwise(wait.ifMissing, 'is not a date')
  const at = instant + (wait.offsetSeconds ?? 0) * 1_000
  // Measured against the event and not the clock: work that was held up is late, not pointless.
  if (at < event.occurredAt.getTime()) return otherwise(wait.ifPast, 'had passed')
  return { at: new Date(at) }
}

function atLocalTime(wait: AtLocalTime, context: WaitContext): Date {
  const zone = zoneOf(context)
  const { occurredAt } = context.event
  const earliest = Math.max(occurredAt.getTime(), context.now.getTime() - localTimeGraceMs)
  const [hour, minute] = wait.time.split(':').map(Number) as [number, number]
  // Calendar days are counted in UTC, where each has 24 hours.
  let day = calendarDay(occurredAt, zone).plus({ days: wait.days ?? 0 })
  const earliestDay = calendarDay(new Date(earliest), zone)
  if (day < earliestDay) day = earliestDay
  for (;;) {
    if (!wait.weekdays || wait.weekdays.includes(day.weekday)) {
      const at = localInstant(day, hour, minute, zone)
      if (at >= earliest) return new Date(at)
    }
    day = day.plus({ days: 1 })
  }
}

function calendarDay(instant: Date, zone: Zone): DateTime {
  const { year, month, day } = DateTime.fromJSDate(instant, { zone })
  return DateTime.utc(year, month, day)
}

/**
 * A time that a clock change skips means as long after the change (02:30 becomes 03:30), and one that comes twice means
 * the first.
 */
function localInstant(day: DateTime, hour: number, minute: number, zone: Zone): number {
  const local = DateTime.fromObject(
    { year: day.year, month: day.month, day: day.day, hour, minute },
    { zone },
  )
  const possible = local.getPossibleOffsets()
  // The first moment after a skipped hour, or half one, is read as that much later.
  const shifted = [30, 60].flatMap((minutes) => possible.map((moment) => moment.minus({ minutes })))
  const shown = [...possible, ...shifted].filter((moment) => moment.hour === hour && moment.minute === minute)
  return Math.min(...(shown.length > 0 ? shown : possible).map((moment) => moment.toMillis()))
}

/** The person's zone if it makes sense, else the project's, else UTC. */
export const zoneOf = ({ person, projectTimezone }: Pick<WaitContext, 'person' | 'projectTimezone'>): Zone =>
  firstZone(person?.timezone, projectTimezone)

const kinds = ['immediately', 'after', 'until_property', 'at_local_time'] as const
const otherwises = ['skip', 'send_now'] as const

/** Checks that `input` is a wait. Throws a 422 that names the place. */
export function parseWait(input: unknown, path = 'wait'): Wait {
  const wait = object(input, path, `must be an object whose kind is one of ${list(kinds)}`)
  switch (oneOf(wait.kind, `${path}.kind`, kinds)) {
    case 'immediately':
      allowOnly(wait, path, ['kind'])
      break
    case 'after':
      allowOnly(wait, path, ['kind', 'seconds', 'days'])
      if ((wait.seconds === undefined) === (wait.days === undefined)) {
        throw refuse(path, 'must have either seconds or days')
      }
      if (wait.seconds !== undefined) wholeNumber(wait.seconds, `${path}.seconds`, 1, maxSeconds)
      else wholeNumber(wait.days, `${path}.days`, 1, 3_650)
      break
    case 'until_property':
      checkUntilProperty(wait, path)
      break
    case 'at_local_time':
      checkAtLocalTime(wait, path)
  }
  return wait as unknown as Wait
}

function checkUntilProperty(wait: Members, path: string): void {
  allowOnly(wait, path, ['kind', 'of', 'property', 'offsetSeconds', 'ifMissing', 'ifPast'])
  oneOf(wait.of, `${path}.of`, ['event', 'person'])
  text(wait.property, `${path}.property`, 255)
  if (wait.offsetSeconds !== undefined) {
    wholeNumber(wait.offsetSeconds, `${path}.offsetSeconds`, -maxSeconds, maxSeconds)
  }
  if (wait.ifMissing !== undefined) oneOf(wait.ifMissing, `${path}.ifMissing`, otherwises)
  if (wait.ifPast !== undefined) oneOf(wait.ifPast, `${path}.ifPast`, otherwises)
}

function checkAtLocalTime(wait: Members, path: string): void {
  allowOnly(wait, path, ['kind', 'time', 'days', 'weekdays'])
  if (typeof wait.time !== 'string' || !/^([01][0-9]|2[0-3]):[0-5][0-9]$/.test(wait.time)) {
    throw refuse(`${path}.time`, 'must be a time of day such as "09:00"')
  }
  if (wait.days !== undefined) wholeNumber(wait.days, `${path}.days`, 0, 3_650)
  if (wait.weekdays === undefined) return
  if (!Array.isArray(wait.weekdays) || wait.weekdays.length === 0) {
    throw refuse(`${path}.weekdays`, 'must be a list of weekdays from 1 (Monday) to 7 (Sunday)')
  }
  wait.weekdays.forEach((weekday, index) => {
    wholeNumber(weekday, `${path}.weekdays.${index}`, 1, 7)
  })
}

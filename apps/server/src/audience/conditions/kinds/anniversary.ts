import type { Json } from '@fairway/queue'
import Type, { type Static } from 'typebox'
import { memoizePerObject } from '../../../platform/memoize-per-object.ts'
import { allowOnly, object, refuse, text, wholeNumber } from '../check.ts'
import type { Facts } from '../facts.ts'
import { limits } from '../parts/limits.ts'
import { closed, nameSchema } from '../parts/schemas.ts'
import { personProperty } from '../person-property.ts'
import { personSql } from '../person-sql.ts'
import { instantSql } from '../property-sql.ts'
import type { SqlContext } from '../sql-context.ts'
import { readInstant } from '../values.ts'
import { dayMs, type LocalMoment, momentOf } from '../zones.ts'
import type { LeafKind } from './kind.ts'

const daysSchema = Type.Object({ days: Type.Integer({ minimum: 0, maximum: limits.maxDaysAhead }) }, closed)
const schema = Type.Object(
  {
    /** A property of the person that is a date. */
    anniversary: nameSchema,
    /** On that day from today. */
    in: Type.Optional(daysSchema),
    /** From today to that day. Without either: today. */
    within: Type.Optional(Type.Object({ next: daysSchema }, closed)),
  },
  closed,
)
/** The day of a date comes round every year, where the person lives. */
export type AnniversaryCondition = Static<typeof schema>

export const anniversary: LeafKind<AnniversaryCondition> = {
  schema,
  check(members, path) {
    allowOnly(members, path, ['anniversary', 'in', 'within'])
    text(members.anniversary, `${path}.anniversary`, limits.maxNameLength)
    if (members.in !== undefined && members.within !== undefined)
      throw refuse(path, 'may have only one of in, within')
    if (members.in !== undefined) checkDays(members.in, `${path}.in`)
    if (members.within === undefined) return
    const within = object(members.within, `${path}.within`, 'must be an object such as {"next": {"days": 7}}')
    allowOnly(within, `${path}.within`, ['next'])
    checkDays(within.next, `${path}.within.next`)
  },
  describe({ anniversary, ...leaf }) {
    const words = `has the anniversary of person.${anniversary}`
    if (leaf.within) return `${words} within the next ${leaf.within.next.days} days`
    return leaf.in ? `${words} in ${leaf.in.days} days` : `${words} today`
  },
  needs: () => ({ zones: true }),
  test(leaf) {
    const days = daysOf(leaf)
    return (facts) => {
      const date = readMonthDay(personProperty(facts.person, leaf.anniversary))
      return date !== undefined && holdsOn(momentOfFacts(facts).day, date, days)
    }
  },
  sql(leaf, { context }) {
    const days = daysOf(leaf)
    const { zone, today } = zoneSql(context)
    const held = today.map((day) => monthDays.filter((date) => holdsOn(day, date, days)))
    return `coalesce((${jsonSql(held, context)} -> (${zone} ->> 0)::integer) ? ${monthDaySql(leaf, context)}, false)`
  },
  due(leaf) {
    const days = daysOf(leaf)
    return [
      (facts) => {
        const date = readMonthDay(personProperty(facts.person, leaf.anniversary))
        if (date === undefined) return Number.POSITIVE_INFINITY
        const moment = momentOfFacts(facts)
        return lookAgain(moment, turnAfter(moment.day, date, days))
      },
    ]
  },
  dueSql(leaf, context) {
    const days = daysOf(leaf)
    const { zone, today } = zoneSql(context)
    const turns = today.map((day) =>
      Object.fromEntries(monthDays.map((date) => [date, turnAfter(day, date, days)])),
    )
    const turn = `((${jsonSql(turns, context)} -> (${zone} ->> 0)::integer) ->> ${monthDaySql(leaf, context)})::bigint`
    const at = `case when ${turn} = (${zone} ->> 1)::bigint then (${zone} ->> 3)::bigint
      else (${turn} - 1) * ${dayMs} + ${noonMs} - (${zone} ->> 2)::bigint end`
    return [`timestamptz 'epoch' + (${at}) * interval '1 millisecond'`]
  },
}

function checkDays(input: unknown, path: string): void {
  const members = object(input, path, 'must be an object such as {"days": 3}')
  allowOnly(members, path, ['days'])
  wholeNumber(members.days, `${path}.days`, 0, limits.maxDaysAhead)
}

/** Which days from today on count, first and last. */
interface Days {
  first: number
  last: number
}

function daysOf(leaf: AnniversaryCondition): Days {
  if (leaf.within) return { first: 0, last: leaf.within.next.days }
  const days = leaf.in?.days ?? 0
  return { first: days, last: days }
}

const momentOfFacts = ({ person, timezone, now }: Facts): LocalMoment =>
  momentOf(person.timezone, timezone, now)

/** `MM-DD` as it is written; of a number, in UTC. Undefined for what is no date. */
function readMonthDay(value: Json | undefined): string | undefined {
  const instant = readInstant(value)
  if (instant === undefined) return undefined
  return typeof value === 'string' ? value.slice(5, 10) : new Date(instant).toISOString().slice(5, 10)
}

/** The counterpart of {@link readMonthDay}. */
function monthDaySql({ anniversary }: AnniversaryCondition, { parameters }: SqlContext): string {
  const value = personSql(anniversary, parameters)
  const instant = instantSql(value)
  return `(case when ${instant} is null then null
    when jsonb_typeof(${value}) = 'string' then substr(${value} #>> '{}', 6, 5)
    else to_char(${instant} at time zone 'UTC', 'MM-DD') end)`
}

/** Of a year that has them all. */
const monthDays = Array.from({ length: 366 }, (_, place) =>
  new Date(Date.UTC(2024, 0, 1 + place)).toISOString().slice(5, 10),
)
const places = new Map(monthDays.map((monthDay, place) => [monthDay, place]))

const roundsByYear = new Map<number, number[]>()
const maxYears = 100

/** The days of a year on which each date comes round: 29 February on the 28th where there is none. */
function roundsOf(year: number): number[] {
  let rounds = roundsByYear.get(year)
  if (rounds) return rounds
  rounds = monthDays.map((monthDay) => {
    const [month, day] = monthDay.split('-').map(Number) as [number, number]
    const lastDay = new Date(Date.UTC(year, month, 0)).getUTCDate()
    return Date.UTC(year, month - 1, Math.min(day, lastDay)) / dayMs
  })
  if (roundsByYear.size >= maxYears) roundsByYear.clear()
  roundsByYear.set(year, rounds)
  return rounds
}

/** The first day from `from` on on which a date comes round. */
function nextRound(monthDay: string, from: number): number {
  const year = new Date(from * dayMs).getUTCFullYear()
  const place = places.get(monthDay)!
  const round = roundsOf(year)[place]!
  return round >= from ? round : roundsOf(year + 1)[place]!
}

const holdsOn = (today: number, monthDay: string, { first, last }: Days): boolean =>
  nextRound(monthDay, today + first) <= today + last

/** The day on which it begins or ends to be true; perhaps neither, where a whole year counts. */
function turnAfter(today: number, monthDay: string, { first, last }: Days): number {
  const next = nextRound(monthDay, today + first)
  return next <= today + last ? next - first + 1 : next - last
}

/** So far from midnight that a change of clocks until then makes no other day of it. */
const noonMs = dayMs / 2

/** At the beginning of the day if it is tomorrow; if it is later, around noon of the day before it, to know better then. */
const lookAgain = ({ day, offset, midnight }: LocalMoment, turn: number): number =>
  turn === day + 1 ? midnight : (turn - 1) * dayMs + noonMs - offset

/**
 * PostgreSQL has another idea of zones than this process: what depends on one is worked out here. `zone` is jsonb of a person's
 * place in `today`, their tomorrow, their offset and when their tomorrow begins; `today` are the days that it is somewhere.
 */
const zoneSql = memoizePerObject(makeZoneSql)

function makeZoneSql(context: SqlContext): { zone: string; today: number[] } {
  const { zones, now } = context
  if (!zones) throw new Error('The statement does not know the zones of people: see load-zones.ts')
  const today: number[] = []
  const entry = (timezone: string | null) => {
    const { day, offset, midnight } = momentOf(timezone, zones.project, now)
    if (!today.includes(day)) today.push(day)
    return [today.indexOf(day), day + 1, offset, midnight]
  }
  const here = jsonSql(entry(null), context)
  const known = jsonSql(
    Object.fromEntries(zones.people.map((timezone) => [timezone, entry(timezone)])),
    context,
  )
  return { zone: `coalesce(${known} -> p.timezone, ${here})`, today }
}

const jsonSql = (value: unknown, { parameters }: SqlContext) => parameters.add(JSON.stringify(value), 'jsonb')

import Type, { type Static } from 'typebox'
import { allowOnly, isOneOf, list, object, oneOf, refuse } from '../check.ts'
import { readInstant } from '../values.ts'
import { limits } from './limits.ts'
import { closed, oneOfSchema, textSchema } from './schemas.ts'

/** Times in conditions: lengths, dates, and what is relative to the moment of evaluation. */
export const unitMs = { minutes: 60_000, hours: 3_600_000, days: 86_400_000, weeks: 604_800_000 } as const
export type Unit = keyof typeof unitMs
export const units = Object.keys(unitMs) as Unit[]

export const orderOperators = ['>', '>=', '<', '<='] as const
export type OrderOperator = (typeof orderOperators)[number]

const amount = Type.Number({ exclusiveMinimum: 0 })
export const durationSchema = Type.Union([
  Type.Object({ minutes: amount }, closed),
  Type.Object({ hours: amount }, closed),
  Type.Object({ days: amount }, closed),
  Type.Object({ weeks: amount }, closed),
])
export const relativeTimeSchema = Type.Union([
  Type.Object({ ago: durationSchema }, closed),
  Type.Object({ ahead: durationSchema }, closed),
])
export const timeSchema = Type.Union([textSchema, relativeTimeSchema])
export const timeTestSchema = Type.Object(
  { operator: oneOfSchema(orderOperators), value: timeSchema },
  closed,
)

/** A length of time: one unit and how many. A day is 24 hours, a week 168. */
export type Duration = Static<typeof durationSchema>
/** A time relative to the moment of evaluation. */
export type RelativeTime = Static<typeof relativeTimeSchema>
/** An ISO 8601 date, or a relative time. */
export type TimeValue = Static<typeof timeSchema>
/** When something happened, against a time. */
export type TimeTest = Static<typeof timeTestSchema>

export function durationMs(duration: Duration): number {
  const [unit, amount] = Object.entries(duration)[0] as [Unit, number]
  return Math.round(amount * unitMs[unit])
}

export const isRelative = (value: unknown): value is RelativeTime =>
  typeof value === 'object' && value !== null && ('ago' in value || 'ahead' in value)

/** How far a relative time is from the moment of evaluation, ms; negative before it. */
export const offsetOf = (value: RelativeTime): number =>
  'ago' in value ? -durationMs(value.ago) : durationMs(value.ahead)

/** None for a date of the calendar. */
export const offsetsOfTime = (value: unknown): number[] => (isRelative(value) ? [offsetOf(value)] : [])

/** Epoch ms. */
export const timeOf = (value: TimeValue, now: Date): number =>
  isRelative(value) ? now.getTime() + offsetOf(value) : readInstant(value as string)!

/** False for undefined. */
export function compare(value: number | undefined, operator: OrderOperator, bound: number): boolean {
  if (value === undefined) return false
  switch (operator) {
    case '>':
      return value > bound
    case '>=':
      return value >= bound
    case '<':
      return value < bound
    case '<=':
      return value <= bound
  }
}

export const dateHint =
  'an ISO 8601 date such as "2026-11-23T09:00:00Z", or a relative time such as {"ago": {"days": 7}}'

export function checkTime(input: unknown, path: string, hint = `must be ${dateHint}`): void {
  if (typeof input === 'string') {
    if (readInstant(input) === undefined) throw refuse(path, hint)
    return
  }
  const members = object(input, path, hint)
  const [direction, ...others] = Object.keys(members)
  if ((direction !== 'ago' && direction !== 'ahead') || others.length > 0) throw refuse(path, hint)
  checkDuration(members[direction], `${path}.${direction}`)
}

export function checkDuration(input: unknown, path: string): void {
  const hint = `must be an object with one of ${list(units)}, such as {"days": 3}`
  const members = object(input, path, hint)
  const [unit, ...others] = Object.keys(members)
  if (!isOneOf(unit, units) || others.length > 0) throw refuse(path, hint)
  const amount = members[unit]
  if (typeof amount !== 'number' || !(amount > 0) || amount * unitMs[unit] > limits.maxDurationMs) {
    throw refuse(`${path}.${unit}`, 'must be a number above 0; at most ten years')
  }
}

export function checkTimeTest(input: unknown, path: string): void {
  const members = object(
    input,
    path,
    'must be an object such as {"operator": ">", "value": {"ago": {"days": 7}}}',
  )
  allowOnly(members, path, ['operator', 'value'])
  oneOf(members.operator, `${path}.operator`, orderOperators)
  checkTime(members.value, `${path}.value`)
}

export function describeDuration(duration: Duration): string {
  const [unit, amount] = Object.entries(duration)[0]!
  return `${amount} ${amount === 1 ? unit.slice(0, -1) : unit}`
}

export function describeTime(value: TimeValue): string {
  if (!isRelative(value)) return JSON.stringify(value)
  return 'ago' in value ? `${describeDuration(value.ago)} ago` : `${describeDuration(value.ahead)} ahead`
}

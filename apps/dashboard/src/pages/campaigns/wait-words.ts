import type { Wait } from '@fairway/api'
import { plural } from '../../lib/format.ts'

export const timeUnits = [
  { value: '1', label: 'seconds', one: 'second' },
  { value: '60', label: 'minutes', one: 'minute' },
  { value: '3600', label: 'hours', one: 'hour' },
  { value: '86400', label: 'days of 24 hours', one: 'day' },
]

/** Seconds as an amount of the largest unit that divides them. */
export function splitSeconds(seconds: number): { amount: number; unit: string } {
  const unit = timeUnits.findLast(({ value }) => seconds % Number(value) === 0) ?? timeUnits[0]!
  return { amount: seconds / Number(unit.value), unit: unit.value }
}

const secondsWords = (seconds: number): string => {
  const { amount, unit } = splitSeconds(Math.abs(seconds))
  return plural(amount, timeUnits.find(({ value }) => value === unit)!.one)
}

/** "3 days later", "1 day before the person's trial_ends_at", "at 09:00 local time". */
export function describeWait(wait: Wait): string {
  if (wait.kind === 'immediately') return 'immediately'
  if (wait.kind === 'after')
    return 'days' in wait ? `${plural(wait.days, 'day')} later` : `${secondsWords(wait.seconds)} later`
  if (wait.kind === 'at_local_time')
    return `at ${wait.time} where the person lives${wait.days ? `, ${plural(wait.days, 'day')} later` : ''}`
  const date = `the ${wait.of}’s ${wait.property}`
  if (!wait.offsetSeconds) return `at ${date}`
  return `${secondsWords(wait.offsetSeconds)} ${wait.offsetSeconds < 0 ? 'before' : 'after'} ${date}`
}

import type { Json } from '@fairway/queue'
import { DateTime } from 'luxon'

/**
 * How a property's value is read: as a number, as text, as an instant. The SQL functions `condition_number`,
 * `condition_same` and `condition_instant` (db/migrations) read the same way; change both or neither.
 */
export type Properties = Readonly<Record<string, Json | undefined>>

const plainNumber = /^-?[0-9]{1,15}(\.[0-9]{1,15})?$/
const isoDate =
  /^([1-9][0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])(?:[T ]([01][0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9])(?:\.([0-9]{1,3})[0-9]{0,6})?)?(Z|([+-])([01][0-9]|2[0-3]):?([0-5][0-9]))?)?$/
/** Numbers from here on are Unix milliseconds, smaller ones Unix seconds (until the year 5138). */
const firstMilliseconds = 1e11

/** What a number means that is a time, epoch ms. */
export const epochMs = (number: number): number =>
  Math.trunc(Math.abs(number) >= firstMilliseconds ? number : number * 1_000)

const earliestMs = Date.UTC(1000, 0, 1)
const latestMs = Date.UTC(9999, 11, 31, 23, 59, 59, 999)

/**
 * A property by its name; a name with dots that isn't one leads into nested objects (`address.city`).
 * Undefined when absent.
 */
export function readProperty(properties: Properties, name: string): Json | undefined {
  if (Object.hasOwn(properties, name)) return properties[name]
  if (!name.includes('.')) return undefined
  let value: Json | undefined = properties as Json
  for (const part of name.split('.')) {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, part))
      return undefined
    value = value[part]
  }
  return value
}

/** A number, or text that is a plain decimal number. */
export function readNumber(value: Json | undefined): number | undefined {
  if (typeof value === 'number') return value
  return typeof value === 'string' && plainNumber.test(value) ? Number(value) : undefined
}

/** Text against text and truth against truth by what they say; anything against a number by its number. */
export function sameValue(a: Json | undefined, b: Json | undefined): boolean {
  if (typeof a === 'number' || typeof b === 'number') {
    const number = readNumber(a)
    return number !== undefined && number === readNumber(b)
  }
  return isTextOrTruth(a) && isTextOrTruth(b) && String(a) === String(b)
}

/** Tells of values whether a list has an element that is the same; the list is read once. */
export function elements(list: readonly Json[]): (value: string | number | boolean) => boolean {
  const said = new Set<string>()
  const numbers = new Set<number>()
  const numbersInText = new Set<number>()
  for (const element of list) {
    if (typeof element === 'number') numbers.add(element)
    if (isTextOrTruth(element)) {
      said.add(String(element))
      const number = readNumber(element)
      if (number !== undefined) numbersInText.add(number)
    }
  }
  return (value) => {
    const number = readNumber(value)
    if (typeof value === 'number') return numbers.has(value) || numbersInText.has(value)
    return said.has(String(value)) || (number !== undefined && numbers.has(number))
  }
}

const isTextOrTruth = (value: Json | undefined) => typeof value === 'string' || typeof value === 'boolean'

/**
 * An instant in epoch ms: an ISO 8601 date, or Unix seconds or milliseconds as a number. A date without a time means
 * midnight, and one without an offset is read in `zone`.
 */
export function readInstant(value: Json | undefined, zone = 'UTC'): number | undefined {
  if (typeof value === 'number') {
    const ms = epochMs(value)
    return ms >= earliestMs && ms <= latestMs ? ms : undefined
  }
  const part = typeof value === 'string' ? isoDate.exec(value) : null
  if (!part) return undefined
  const [year, month, day, hour, minute, second] = part.slice(1, 7).map((text) => Number(text ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  const millisecond = Number((part[7] ?? '').padEnd(3, '0'))
  const utc = Date.UTC(year, month - 1, day, hour, minute, second, millisecond)
  // The 31st of a shorter month would otherwise mean a day of the next one.
  if (new Date(Date.UTC(year, month - 1, day)).getUTCMonth() !== month - 1) return undefined
  if (part[8] !== undefined) {
    const offsetMinutes = Number(part[10] ?? 0) * 60 + Number(part[11] ?? 0)
    return utc - (part[9] === '-' ? -1 : 1) * offsetMinutes * 60_000
  }
  if (zone === 'UTC') return utc
  return DateTime.fromObject({ year, month, day, hour, minute, second, millisecond }, { zone }).toMillis()
}

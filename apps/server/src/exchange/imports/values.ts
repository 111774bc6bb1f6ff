import type { Json } from '@fairway/queue'
import type { ValueType } from './columns.ts'
import { parseJson } from './json.ts'

/** Which part of dates like 3/4/2026 comes first. */
export type DateOrder = 'day_first' | 'month_first'

/** How values are written in a file. */
export interface Notation {
  dates?: DateOrder
  /** `1.234,5` instead of `1,234.5`. */
  decimalComma?: boolean
  /** Whether dates that are numbers are days since 1900, as spreadsheets have them. */
  serialDates?: boolean
}

/**
 * Reads a value as a type.
 *
 * @returns undefined when it is none
 */
export function asType(value: Json, type: ValueType, notation: Notation): Json | undefined {
  switch (type) {
    case 'text':
      return typeof value === 'string'
        ? value
        : typeof value === 'object'
          ? JSON.stringify(value)
          : String(value)
    case 'number':
      return asNumber(value, notation)
    case 'boolean':
      return asBoolean(value)
    case 'date':
      return exactIso(value) ?? isoOf(asDate(value, notation))
    case 'serial_date':
      return isoOf(asDate(value, { ...notation, serialDates: true }))
    case 'json':
      return asJson(value)
  }
}

/** What a message says a value should be. */
export const nameOfType: Record<ValueType, string> = {
  text: 'a text',
  number: 'a number (a whole one has 15 digits at most; import longer ones as texts)',
  boolean: 'true or false (or yes or no, 1 or 0)',
  date: 'a date: ISO 8601, 20261231, seconds or milliseconds since 1970, or like 31/12/2026 where “Dates like 3/4/2026” (the option `dates`) says which part comes first',
  serial_date: 'a date as spreadsheets number them, like 46387',
  json: 'JSON',
}

const plain = /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d{1,3})?$/i
/** Thousands are only read as such in groups of three. */
const grouped = /^[+-]?\d{1,3}(,\d{3})+(\.\d+)?$/

const wholeNumber = /^[+-]?\d+$/

export function asNumber(value: Json, { decimalComma }: Notation): number | undefined {
  if (typeof value === 'number') return value
  if (typeof value !== 'string') return undefined
  let text = value.trim()
  if (decimalComma) text = text.replace(/[.,]/g, (mark) => (mark === ',' ? '.' : ','))
  if (grouped.test(text)) text = text.replaceAll(',', '')
  if (!plain.test(text)) return undefined
  const number = Number(text)
  if (!Number.isFinite(number)) return undefined
  // Numbers of orders and cards: the next number that can be kept is another one.
  const isRounded =
    wholeNumber.test(text) && !Number.isSafeInteger(number) && significantDigits(text) > exactDigits
  return isRounded ? undefined : number
}

/** A number keeps as many whatever its size: `1e300`, as exports write it, is one. */
const exactDigits = 15

function significantDigits(text: string): number {
  const start = /^[+-]?0*/.exec(text)![0].length
  let end = text.length
  while (end > start && text[end - 1] === '0') end--
  return end - start
}

const yes = new Set(['true', 't', 'yes', 'y', '1', 'on', 'x'])
const no = new Set(['false', 'f', 'no', 'n', '0', 'off'])

export function asBoolean(value: Json): boolean | undefined {
  if (typeof value === 'boolean') return value
  const text = String(value).trim().toLowerCase()
  return yes.has(text) ? true : no.has(text) ? false : undefined
}

const iso =
  /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?\s*(Z|UTC|[+-]\d\d(?::?\d\d)?)?)?$/i
/** As East Asia writes days. */
const yearFirst = /^(\d{4})[/.](\d{1,2})[/.](\d{1,2})(?:\s+(\d{1,2}):(\d\d)(?::(\d\d))?)?$/
const local = /^(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})(?:,?\s+(\d{1,2}):(\d\d)(?::(\d\d))?\s*(am|pm)?)?$/i
/** Of days, as `20261231`, also with hours, minutes and seconds. */
const compact = /^((?:19|20)\d\d)(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d))?$/
/** Numbers below are seconds since 1970, others milliseconds, as everywhere in Fairway. */
const secondsBelow = 1e11
/** As seconds it is 1973. What is smaller is rather a year, a day or a count. */
const minSeconds = 1e8
/** In spreadsheets, whose days begin with 1900. */
const serialOf1970 = 25_569
const dayMs = 86_400_000
const earliest = Date.UTC(1000, 0, 1)
const latest = Date.UTC(9999, 11, 31)

/** Epoch ms. Without a zone it is UTC. */
export function asDate(value: Json, { dates, serialDates }: Notation): number | undefined {
  if (typeof value === 'number' || (typeof value === 'string' && /^\s*-?\d+(\.\d+)?\s*$/.test(value)))
    return serialDates ? ofSerial(Number(value)) : ofNumber(value)
  if (typeof value !== 'string') return undefined
  const text = value.trim()
  const international = iso.exec(text)
  if (international) {
    const [, year, month, day, hour, minute, second, fraction, zone] = international
    const ms = Math.trunc(Number(`0.${fraction ?? 0}`) * 1_000)
    return utc(year, month, day, hour, minute, second, ms, offsetOf(zone))
  }
  const eastern = yearFirst.exec(text)
  if (eastern) {
    const [, year, month, day, hour, minute, second] = eastern
    return utc(year, month, day, hour, minute, second, 0, 0)
  }
  const usual = dates && local.exec(text)
  if (!usual) return undefined
  const [, first, second, year, hour, minute, seconds, half] = usual
  const [day, month] = dates === 'day_first' ? [first, second] : [second, first]
  return utc(year, month, day, half ? hourOf(Number(hour), half) : hour, minute, seconds, 0, 0)
}

/** The orders of its parts in which a text like 31/12/2026 is a day; none of other texts. */
export const ordersOf = (value: Json): DateOrder[] =>
  typeof value === 'string' && local.test(value.trim())
    ? (['day_first', 'month_first'] as const).filter((dates) => asDate(value, { dates }) !== undefined)
    : []

/** Why a value is no date. */
export function dateReason(value: Json, { dates, serialDates }: Notation): string {
  if (serialDates || ordersOf(value).length === 0)
    return `is not ${nameOfType[serialDates ? 'serial_date' : 'date']}`
  return dates === undefined
    ? 'is a date whose order nobody told: choose at “Dates like 3/4/2026” (the option `dates`) whether the day or the month comes first'
    : `is no day with the ${dates === 'day_first' ? 'day' : 'month'} first, as “Dates like 3/4/2026” (the option \`dates\`) says`
}

function ofNumber(value: string | number): number | undefined {
  const days = compact.exec(String(value).trim())
  if (days) {
    const [, year, month, day, hour, minute, second] = days
    return utc(year, month, day, hour, minute, second, 0, 0)
  }
  const number = Number(value)
  if (Math.abs(number) < minSeconds) return undefined
  return within(Math.trunc(Math.abs(number) < secondsBelow ? number * 1_000 : number))
}

/** Spreadsheets have a 29 February 1900, which never was: days before it are one off. */
const ofSerial = (days: number) =>
  days >= 1 ? within(Math.round((days - serialOf1970 + (days < 60 ? 1 : 0)) * dayMs)) : undefined

/** A day of a spreadsheet between 1954 and 2119. */
export function isSerial(value: Json): boolean {
  const days = hasExponent(value) ? undefined : asNumber(value, {})
  return days !== undefined && days >= 20_000 && days < 80_000
}

/** As products are numbered (`1E5`), too. */
export const hasExponent = (value: Json): boolean => typeof value === 'string' && /e/i.test(value)

const isoOf = (at: number | undefined) => (at === undefined ? undefined : new Date(at).toISOString())

/** As programs write it, on a day that every month has: most dates, in a twentieth of the time. */
const exact =
  /^[1-9]\d{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{3})?Z$/

function exactIso(value: Json): string | undefined {
  if (typeof value !== 'string' || !exact.test(value)) return undefined
  return value.includes('.') ? value : `${value.slice(0, -1)}.000Z`
}

const hourOf = (hour: number, half: string) =>
  hour > 12 ? '99' : String((hour % 12) + (half.toLowerCase() === 'pm' ? 12 : 0))

type Part = string | undefined

function utc(
  year: Part,
  month: Part,
  day: Part,
  hour: Part,
  minute: Part,
  second: Part,
  ms: number,
  offset: number,
) {
  const [m, d] = [Number(month), Number(day)]
  const [h, min, s] = [Number(hour ?? 0), Number(minute ?? 0), Number(second ?? 0)]
  if (h > 23 || min > 59 || s > 59) return undefined
  const date = Date.UTC(Number(year), m - 1, d)
  // 31 February would become a day of March.
  if (new Date(date).getUTCDate() !== d || new Date(date).getUTCMonth() !== m - 1) return undefined
  return within(date + ((h * 60 + min) * 60 + s) * 1_000 + ms - offset)
}

function offsetOf(zone: Part): number {
  const parts = /^([+-])(\d\d):?(\d\d)?$/.exec(zone ?? '')
  if (!parts) return 0
  return (parts[1] === '-' ? -1 : 1) * (Number(parts[2]) * 60 + Number(parts[3] ?? 0)) * 60_000
}

const within = (at: number) => (at >= earliest && at <= latest ? at : undefined)

function asJson(value: Json): Json | undefined {
  if (typeof value !== 'string') return value
  try {
    return parseJson(value)
  } catch {
    return undefined
  }
}

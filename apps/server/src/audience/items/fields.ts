import type { Json } from '@fairway/queue'
import { addressProblem, canonicalAddress } from '../../platform/email-address.ts'
import { ApiError, badRequest } from '../../platform/errors.ts'
import { nameLength } from './limits.ts'
import { isNoId, noIdReason } from './no-id.ts'

/** Readers of single fields. Each answers undefined for an absent or null field and throws a 400 that names a wrong one. */

/** Ids are strings inside Fairway; clients send numbers too. */
export function readId(value: unknown, field: string): string | undefined {
  if (typeof value === 'string') {
    if (value.length >= nameLength) throw tooLong(field)
    return value.trim() === '' ? undefined : value
  }
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'number') throw badRequest(`${field} must be a string or a number`, field)
  if (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value)))
    throw badRequest(`${field} is too large for a JSON number to be exact; send it as a string`, field)
  return String(value)
}

/** Codes the refusal of a call that names nobody: it is noted among the project's rejects, whatever becomes of the reply. */
const noId = 'no_id'

export const namesNobody = (error: unknown): error is ApiError =>
  error instanceof ApiError && error.code === noId

/** The call names no person where it has to; `given` is what it has there: an empty text is an id that is none. */
export const nobody = (message: string, field: string, ...given: unknown[]) =>
  new ApiError(400, given.some((value) => typeof value === 'string') ? noId : 'bad_request', message, {
    field,
  })

/** An id of a person: not what programs send where they have none. */
export function readPersonId(value: unknown, field: string): string | undefined {
  const id = readId(typeof value === 'boolean' ? String(value) : value, field)
  if (id === undefined) return undefined
  if (isNoId(id)) throw nobody(`${field} ${noIdReason(id)}`, field, id)
  if (hasLostPlus(id))
    throw nobody(
      `${field} is an address whose + became a space; in a URL or a form write it as %2B`,
      field,
      id,
    )
  return id
}

/** As ids such addresses would be people whom nobody knows, and an opt-out would be theirs. */
const hasLostPlus = (id: string) =>
  id.includes('@') && id.trim().includes(' ') && canonicalAddress(id.replaceAll(' ', '+')) !== undefined

/** An address in its canonical form. Empty text is how forms and browsers say "none". */
export function readEmail(value: unknown, field: string): string | undefined {
  const text = readText(value, field)
  if (text === undefined || text.trim() === '') return undefined
  const address = canonicalAddress(text)
  if (address === undefined) throw badRequest(`${field} ${addressProblem(text)}`, field)
  return address
}

/** An event's name. */
export function readName(value: unknown, field: string): string {
  const text = readText(value, field)?.trim()
  if (text === undefined || text === '') throw badRequest(`${field} is missing; name the event`, field)
  if (text.length >= nameLength) throw tooLong(field)
  return text
}

export function readText(value: unknown, field: string): string | undefined {
  if (typeof value === 'string') return value
  if (value === undefined || value === null) return undefined
  if (typeof value === 'number') return String(value)
  throw badRequest(`${field} must be a string`, field)
}

/** An empty list is PHP's empty object. */
export function readObject(value: unknown, field: string): Fields | undefined {
  if (value === undefined || value === null) return undefined
  if (isEmptyList(value)) return {}
  if (typeof value !== 'object' || Array.isArray(value)) throw badRequest(`${field} must be an object`, field)
  return value as Fields
}

export const isEmptyList = (value: unknown): value is [] => Array.isArray(value) && value.length === 0

/** Freeform properties: an object of JSON values, as every parsed body is. */
export const readProperties = (value: unknown, field: string) =>
  readObject(value, field) as Record<string, Json> | undefined

/** A list of names, or one alone. */
export function readNames(value: unknown, field: string): string[] {
  if (value === undefined || value === null || value === '') return []
  const list = Array.isArray(value) ? value : [value]
  const names = list.map((element, i) => readId(element, `${field}.${i}`))
  return names.filter((name) => name !== undefined)
}

/** Also `"true"` and `1` as forms and older clients send them, and `"True"` as Python writes it. */
export function readFlag(value: unknown, field: string): boolean | undefined {
  if (value === undefined || value === null || value === '') return undefined
  const flag = typeof value === 'string' ? value.trim().toLowerCase() : value
  if (flag === true || flag === 'true' || flag === 1 || flag === '1') return true
  if (flag === false || flag === 'false' || flag === 0 || flag === '0') return false
  throw badRequest(`${field} must be true or false`, field)
}

/** Numbers below this are seconds, others milliseconds: as seconds it is the year 5138, as milliseconds 1973. */
const secondsBelow = 1e11
/** As seconds the year 1973. What is smaller is a year, a day like 20260415, or a spreadsheet's, and no time. */
const leastNumber = 1e8

/**
 * A time as epoch ms: ISO 8601, seconds or milliseconds since 1970 as a number or as text, or with the month as a word, as
 * in mails. Times without a zone are UTC. What can be read in two ways, `04/03/2026`, is refused, and so are days that no month has.
 */
export function readTime(value: unknown, field: string): number | undefined {
  if (value === undefined || value === null || value === '') return undefined
  const time =
    typeof value === 'number' ? fromNumber(value) : typeof value === 'string' ? fromText(value.trim()) : NaN
  if (Number.isNaN(time) || time < 0 || time > 8.64e15)
    throw badRequest(
      `${field} must be a time after 1970: ISO 8601, such as 2026-04-15T09:30:00Z, or seconds since 1970`,
      field,
    )
  return time
}

const fromNumber = (value: number) =>
  value < leastNumber ? NaN : Math.trunc(value < secondsBelow ? value * 1000 : value)

const yearFirst = /^([+-]?\d{4,6})[-/](\d{2})(?:[-/](\d{2}))?(?!\d)/
const zoned = /(z|gmt|utc|[+-]\d{2}(:?\d{2})?)$/i
const monthAsWord = /(^|[ ,-])(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)/i
const zonedWithName = /[+-]\d{4} \([^()]*\)$/

/** What nearly all clients send, but for the last days of a month: it needs none of the looks below (2 of the 67 µs of a request). */
const usualTime = /^\d{4}-\d{2}-(?:[01]\d|2[0-8])T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?Z$/

function fromText(text: string): number {
  if (usualTime.test(text)) return Date.parse(text)
  if (/^\d+(\.\d+)?$/.test(text)) return fromNumber(Number(text))
  const [date, year, month, day] = yearFirst.exec(text) ?? []
  if (date !== undefined) {
    if (day !== undefined && Number(day) > daysIn(Number(year), Number(month))) return NaN
    const rest = text.slice(date.length).replace(/ ?(?:utc|gmt)$/i, 'Z')
    const iso = date.replaceAll('/', '-') + rest.replace(/^ /, 'T').replace(/ (?=[+-]\d|z$)/i, '')
    // A date and time without a zone would be read in the server's zone.
    return Date.parse(rest !== '' && !zoned.test(rest) ? `${iso}Z` : iso)
  }
  if (!monthAsWord.test(text) || !/\d{4}/.test(text)) return NaN
  return Date.parse(zoned.test(text) || zonedWithName.test(text) ? text : `${text} UTC`)
}

const daysIn = (year: number, month: number) => new Date(Date.UTC(year, month, 0)).getUTCDate()

const tooLong = (field: string) => badRequest(`${field} must be shorter than ${nameLength} characters`, field)

export type Fields = Record<string, unknown>

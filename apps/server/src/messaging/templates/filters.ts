import { createHash } from 'node:crypto'
import { DateTime, IANAZone } from 'luxon'
import { epochMs } from '../../audience/conditions/values.ts'
import { formatNumber } from './format-number.ts'

type Filter = (value: unknown, ...args: unknown[]) => unknown

const text = (value: unknown): string => (value === null || value === undefined ? '' : String(value))
const isBlank = (value: unknown) => value === null || value === undefined || text(value).trim() === ''
const digest = (algorithm: string, value: unknown) => createHash(algorithm).update(text(value)).digest('hex')

/** The filters that Vero's templates use besides the standard Liquid ones. */
export const platformFilters: Record<string, Filter> = {
  fallback: (value, other) => (isBlank(value) ? other : value),
  encode: (value) => encodeURIComponent(text(value)),
  md5: (value) => digest('md5', value),
  sha1: (value) => digest('sha1', value),
  precision: (value, digits = 2) => {
    const number = Number(value)
    return Number.isFinite(number) && !isBlank(value) ? number.toFixed(clamp(Number(digits), 0, 20)) : value
  },
  delimiter: (value, separator = ',') => {
    const match = /^(-?)(\d{1,400})(\..*)?$/.exec(text(value).trim())
    if (!match) return value
    return `${match[1]}${inThousands(match[2]!, text(separator))}${match[3] ?? ''}`
  },
  format: (value, pattern) => formatNumber(text(pattern), value),
  humanize: (value) => {
    const words = text(value)
      .replace(/_id$/, '')
      .replace(/[_\s]+/g, ' ')
      .trim()
      .toLowerCase()
    return words.charAt(0).toUpperCase() + words.slice(1)
  },
  // An ISO string with its offset: the `date` filter after it keeps the offset.
  time_zone: (value, zone) => {
    const instant = toInstant(value)
    return instant ? instant.setZone(resolveZone(zone)).toISO() : value
  },
}

const clamp = (value: number, low: number, high: number) =>
  Number.isFinite(value) ? Math.min(Math.max(Math.trunc(value), low), high) : low

function inThousands(digits: string, separator: string): string {
  const groups = [digits.slice(0, digits.length % 3 || 3)]
  for (let at = groups[0]!.length; at < digits.length; at += 3) groups.push(digits.slice(at, at + 3))
  return groups.join(separator)
}

/** What no date and no name of a zone is longer than. */
const maxTimeLength = 100

const digits = /^-?\d{1,20}(\.\d{1,20})?$/

/** For Liquid's own filters of dates, which know numbers as seconds alone: milliseconds since 1970 are told as in conditions. */
export function asDate(value: unknown): unknown {
  if (typeof value !== 'number' && !(typeof value === 'string' && digits.test(value))) return value
  const date = new Date(epochMs(Number(value)))
  return Number.isNaN(date.getTime()) ? value : date
}

/** Seconds or milliseconds since 1970 as a number or digits, an ISO 8601 string, a Date, or 'now'. */
function toInstant(value: unknown): DateTime | undefined {
  if (value instanceof Date) return DateTime.fromJSDate(value)
  const string = text(value).trim()
  if (string === '' || string.length > maxTimeLength) return undefined
  if (string === 'now') return DateTime.now()
  if (digits.test(string)) return DateTime.fromMillis(epochMs(Number(string)))
  const parsed = DateTime.fromISO(string, { zone: 'utc' })
  if (parsed.isValid) return parsed
  const loose = new Date(string)
  return Number.isNaN(loose.getTime()) ? undefined : DateTime.fromJSDate(loose)
}

/** The names of Rails that are not the last part of an IANA name. */
const railsZones: Record<string, string> = {
  'eastern time (us & canada)': 'America/New_York',
  'central time (us & canada)': 'America/Chicago',
  'mountain time (us & canada)': 'America/Denver',
  'pacific time (us & canada)': 'America/Los_Angeles',
  'atlantic time (canada)': 'America/Halifax',
  'indiana (east)': 'America/Indiana/Indianapolis',
  'international date line west': 'Etc/GMT+12',
  arizona: 'America/Phoenix',
  alaska: 'America/Juneau',
  hawaii: 'Pacific/Honolulu',
  newfoundland: 'America/St_Johns',
  canberra: 'Australia/Canberra',
  'new delhi': 'Asia/Kolkata',
  mumbai: 'Asia/Kolkata',
  chennai: 'Asia/Kolkata',
  beijing: 'Asia/Shanghai',
  islamabad: 'Asia/Karachi',
  osaka: 'Asia/Tokyo',
  'abu dhabi': 'Asia/Dubai',
  edinburgh: 'Europe/London',
  bern: 'Europe/Zurich',
  wellington: 'Pacific/Auckland',
  utc: 'UTC',
}

let zonesByCity: Map<string, string> | undefined

/** An IANA name, a city or Rails name ('Sydney'), or an offset in hours (-7). */
function resolveZone(zone: unknown): string {
  const name = text(zone).slice(0, maxTimeLength).trim()
  if (/^[+-]?\d{1,2}$/.test(name) && Math.abs(Number(name)) <= 14) {
    return Number(name) < 0 ? `UTC${Number(name)}` : `UTC+${Number(name)}`
  }
  zonesByCity ??= new Map(
    Intl.supportedValuesOf('timeZone').map((iana) => [
      iana
        .slice(iana.lastIndexOf('/') + 1)
        .replaceAll('_', ' ')
        .toLowerCase(),
      iana,
    ]),
  )
  const key = name.toLowerCase()
  const found = railsZones[key] ?? zonesByCity.get(key) ?? (IANAZone.isValidZone(name) ? name : undefined)
  if (!found) throw new Error(`unknown time zone "${name}"`)
  return found
}

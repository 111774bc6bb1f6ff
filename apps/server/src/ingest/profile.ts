import type { Json } from '@fairway/queue'
import { isEmail } from './fields.ts'
import type { IdentifyItem } from './item.ts'

type Properties = Record<string, Json>

type Profile = Pick<IdentifyItem, 'email' | 'phone' | 'timezone' | 'language'> & { properties: Properties }

/**
 * Takes out of freeform properties what a person has fields for: email, phone, time zone and language, by the names the
 * vendors use. What doesn't look right stays a property: an identify is not worth losing over a mistyped address.
 */
export function liftProfile(properties: Properties): Profile {
  const { email, phone, phone_number, timezone, ianaTimezone, language, ...rest } = properties
  const profile: Profile = { properties: rest }

  if (typeof email === 'string' && isEmail(email.trim())) profile.email = email.trim()
  else if (email === null) profile.email = null
  else if (email !== undefined) rest.email = email

  const anyPhone = phone_number ?? phone
  if (isShortText(anyPhone)) profile.phone = anyPhone
  else if (phone === null || phone_number === null) profile.phone = null
  else if (anyPhone !== undefined) rest.phone = anyPhone

  const zone = timezoneName(ianaTimezone) ?? timezoneName(timezone)
  if (zone !== undefined) profile.timezone = zone
  else if (timezone !== undefined) rest.timezone = timezone

  const spoken = languageName(language) ?? languageName(rest.locale)
  if (spoken !== undefined) profile.language = spoken
  else if (language !== undefined) rest.language = language

  return profile
}

const isShortText = (value: unknown): value is string =>
  typeof value === 'string' && value.trim() !== '' && value.length <= 64

export const languageName = (value: unknown) => (isShortText(value) ? value : undefined)

const knownZones = new Set<string>()

/** A name from the IANA database for a name or an offset from UTC in hours, undefined for anything else. */
export function timezoneName(value: unknown): string | undefined {
  if (typeof value === 'number') return zoneOfOffset(value)
  if (typeof value !== 'string' || value === '' || value.length > 64) return undefined
  if (knownZones.has(value)) return value
  if (/^[+-]?\d+(\.\d+)?$/.test(value)) return zoneOfOffset(Number(value))
  try {
    new Intl.DateTimeFormat('en', { timeZone: value })
  } catch {
    return undefined
  }
  // Spellings differ only in case, so this can't grow without end in honest use; hostile use is cut off.
  if (knownZones.size < 2_000) knownZones.add(value)
  return value
}

/** Places that keep an offset which is not a whole number of hours; `Etc/GMT` has only whole ones. */
const oddOffsets = new Map([
  [-9.5, 'Pacific/Marquesas'],
  [-3.5, 'America/St_Johns'],
  [3.5, 'Asia/Tehran'],
  [4.5, 'Asia/Kabul'],
  [5.5, 'Asia/Kolkata'],
  [5.75, 'Asia/Kathmandu'],
  [6.5, 'Asia/Yangon'],
  [8.75, 'Australia/Eucla'],
  [9.5, 'Australia/Darwin'],
  [10.5, 'Australia/Lord_Howe'],
  [12.75, 'Pacific/Chatham'],
])

function zoneOfOffset(hours: number): string | undefined {
  if (!Number.isInteger(hours)) return oddOffsets.get(hours)
  if (hours < -12 || hours > 14) return undefined
  // In these names the sign is the other way round: Etc/GMT-10 is ten hours ahead of UTC.
  return hours === 0 ? 'UTC' : `Etc/GMT${hours > 0 ? '-' : '+'}${Math.abs(hours)}`
}

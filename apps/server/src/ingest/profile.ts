import type { Json } from '@fairway/queue'
import { canonicalAddress } from '../email-address.ts'
import { languageName, timezoneName } from '../people/locale.ts'
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

  const address = typeof email === 'string' ? canonicalAddress(email) : undefined
  if (address !== undefined) profile.email = address
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

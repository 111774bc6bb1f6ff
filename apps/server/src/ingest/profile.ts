import type { Json } from '@fairway/queue'
import type { IdentifyItem } from '../audience/items/item.ts'
import { languageName, timezoneName } from '../audience/people/locale.ts'
import { addressProblem, canonicalAddress } from '../platform/email-address.ts'

type Properties = Record<string, Json>

type Profile = Pick<IdentifyItem, 'email' | 'phone' | 'timezone' | 'language' | 'note'> & {
  properties: Properties
}

/**
 * Takes out of freeform properties what a person has fields for: email, phone, time zone and language, by the names the
 * vendors use. What doesn't look right stays a property: an identify is not worth losing over a mistyped address, which is
 * noted.
 *
 * @param path what comes before `email` where the sender wrote it
 */
export function liftProfile(properties: Properties, path: string): Profile {
  const { email, phone, phone_number, timezone, ianaTimezone, language, ...rest } = properties
  const profile: Profile = { properties: rest }

  const address = typeof email === 'string' ? canonicalAddress(email) : undefined
  if (address !== undefined) profile.email = address
  else if (email === null) profile.email = null
  else if (email !== undefined) {
    rest.email = email
    profile.note = noteOf(email, `${path}email`)
  }

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

/** Empty text is how forms and browsers say "none". */
function noteOf(email: Json, field: string): string | undefined {
  if (typeof email !== 'string') return `${field} must be a text. The rest of the call was taken`
  return email.trim() === '' ? undefined : `${field} ${addressProblem(email)}. The rest of the call was taken`
}

const isShortText = (value: unknown): value is string =>
  typeof value === 'string' && value.trim() !== '' && value.length <= 64

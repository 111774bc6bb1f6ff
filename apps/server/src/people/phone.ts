import {
  AsYouType,
  type CountryCode,
  isSupportedCountry,
  parsePhoneNumberFromString,
} from 'libphonenumber-js'
import type { PeopleSession } from './session.ts'
import type { WritingItem } from './writes.ts'

/** ISO 3166-1 alpha-2, of which the library knows the numbers. */
export const isPhoneCountry = (code: string): boolean => isSupportedCountry(code)

/**
 * A phone number as E.164 (`+4930123456`), so that one number is one text however it was written. What can't be read stays
 * as it is: it may still mean something to people. Numbers that exist nowhere yet but have a possible length count as read,
 * because numbering plans change faster than libraries.
 */
export function normalPhone(text: string, country: string | null): string {
  const trimmed = text.trim()
  const number = parsePhoneNumberFromString(trimmed.replace(/^00(?=[1-9])/, '+'), {
    defaultCountry: (country as CountryCode | null) ?? undefined,
    extract: false,
  })
  // An extension has no place in E.164.
  return number?.isPossible() && number.ext === undefined ? number.number : trimmed
}

/** The beginning of a number, as far as it was typed, as stored numbers begin; undefined for what is no number. */
export function phonePrefix(text: string, country: string | null): string | undefined {
  if (!/^\+?[\d\s()./-]+$/.test(text)) return undefined
  const bare = text.replace(/[^\d+]/g, '').replace(/^00(?=[1-9])/, '+')
  if (bare.startsWith('+') || country === null) return bare
  const typed = new AsYouType(country as CountryCode)
  typed.input(bare)
  return typed.getNumberValue() ?? bare
}

/** The items with their phone numbers normalized. The project's country is only asked for when a number has none. */
export async function withNormalPhones(session: PeopleSession, items: WritingItem[]): Promise<WritingItem[]> {
  const phones = items.map(phoneOf).filter((phone) => phone !== undefined)
  if (phones.length === 0) return items
  const needsCountry = phones.some((phone) => !/^\s*(\+|00)/.test(phone))
  const country = needsCountry ? await countryOf(session) : null
  return items.map((item) => {
    const phone = phoneOf(item)
    if (phone === undefined) return item
    const normal = normalPhone(phone, country)
    if (normal === phone) return item
    return item.kind === 'event'
      ? { ...item, traits: { ...item.traits, phone: normal } }
      : ({ ...item, phone: normal } as WritingItem)
  })
}

function phoneOf(item: WritingItem): string | undefined {
  const phone = item.kind === 'identify' ? item.phone : item.kind === 'event' ? item.traits?.phone : undefined
  return typeof phone === 'string' ? phone : undefined
}

async function countryOf({ client, projectId }: PeopleSession): Promise<string | null> {
  const { rows } = await client.query<{ country: string | null }>({
    name: 'project_country',
    text: 'select default_country as country from projects where id = $1',
    values: [projectId],
  })
  return rows[0]?.country ?? null
}

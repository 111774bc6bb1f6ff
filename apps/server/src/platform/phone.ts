import {
  AsYouType,
  type CountryCode,
  isSupportedCountry,
  parsePhoneNumberFromString,
} from 'libphonenumber-js'

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

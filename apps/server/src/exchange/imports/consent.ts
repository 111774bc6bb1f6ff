import type { Json } from '@fairway/queue'
import { foldColumn } from './known-exports.ts'
import { asBoolean, asDate, isSerial } from './values.ts'

/** What a value says of a person. */
export interface Consent {
  subscribed?: boolean
  suppressed?: boolean
}

const given = { subscribed: true }
/** Who never gave it is not subscribed. */
const missing = { subscribed: false }
const bounced = { suppressed: true }
const complained = { subscribed: false, suppressed: true }

/** Consent as other products write it, in letters and digits alone. */
const words = new Map<string, Consent>([
  ...list(given, 'subscribed resubscribed optedin optin'),
  ...list(missing, 'unsubscribed unsubscribe optedout optout neversubscribed notsubscribed unconfirmed'),
  ...list(missing, 'blocklisted blacklisted unreachable donotcontact donotemail donotmail'),
  ...list(bounced, 'bounced bounce hardbounced hardbounce cleaned'),
  ...list(complained, 'complained complaint spam spamcomplaint markedasspam reportedasspam'),
])
/** These are said of other things as well. */
const ambiguous = new Map<string, Consent>([
  ...list(given, 'active enabled confirmed'),
  ...list(missing, 'disabled blocked pending'),
])

function list(consent: Consent, texts: string): [string, Consent][] {
  return texts.split(' ').map((text) => [text, consent])
}

/** Longer texts are no words. */
const maxWordLength = 40
const wordOf = (value: Json) =>
  typeof value === 'string' && value.length <= maxWordLength ? foldColumn(value) : ''

/** What a word of consent says, if it is one. */
export const consentIn = (value: Json): Consent | undefined =>
  words.get(wordOf(value)) ?? ambiguous.get(wordOf(value))

/** Of a word that speaks of consent wherever it stands. */
export const plainConsentIn = (value: Json): Consent | undefined => words.get(wordOf(value))

/** What a cell of each target says, if it is understood. */
export const consentOf: Record<string, (value: Json) => Consent | undefined> = {
  subscribed(value) {
    const flag = asBoolean(value)
    return flag === undefined ? consentIn(value) : { subscribed: flag }
  },
  // That somebody did not unsubscribe there is no consent to what they unsubscribed from here.
  unsubscribed(value) {
    const flag = asBoolean(value) ?? isTime(value)
    const consent = flag === undefined ? consentIn(value) : flag ? missing : {}
    return consent?.subscribed ? {} : consent
  },
  suppressed(value) {
    const flag = asBoolean(value) ?? isTime(value)
    return flag === undefined ? undefined : { suppressed: flag }
  },
}

/** The time of something says that it was, however it is written. */
const isTime = (value: Json) =>
  isSerial(value) ||
  ([undefined, 'day_first', 'month_first'] as const).some((dates) => asDate(value, { dates }) !== undefined)
    ? true
    : undefined

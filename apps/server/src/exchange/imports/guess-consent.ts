import type { Json } from '@fairway/queue'
import { consentIn, consentOf, plainConsentIn } from './consent.ts'
import { foldColumn } from './known-exports.ts'

/** A column that has no target yet. */
interface OpenColumn {
  name: string
  values: Json[]
  /** Whether the project has a property that is called so. */
  isProperty: boolean
}

export interface ConsentGuess {
  to?: 'subscribed' | 'unsubscribed' | 'suppressed'
  /** What people should look at. */
  warning?: string
}

/** What may stand before and behind, in letters and digits alone. */
const before =
  /^(?:has|is|date|user|customer|contact|person|member|subscriber|subscription|email|mail|newsletter|marketing|list)*/
const timeBehind = /(?:at|on|date|time)$/

const optOut = new Set(
  'unsubscribe unsubscribed unsubscribedfromall unsubscribedfromallemail optout optedout optedoutofemail donotcontact donotemail donotmail dnc blocklisted blacklisted disabled'.split(
    ' ',
  ),
)
const undeliverable = new Set(['bounced', 'hardbounced', 'complained', 'suppressed'])
const optIn = new Set(
  'subscribed subscribedtoemail subscribedtoemails optin optedin consent acceptsmarketing acceptsemailmarketing'.split(
    ' ',
  ),
)
/** Other channels than mail. */
const other = /sms|push|phone|whatsapp|call/

type Sense = 'optOut' | 'undeliverable' | 'optIn' | 'status' | 'state'

/** What a column of this name speaks of, if it is consent. */
function senseOf(name: string): Sense | undefined {
  const folded = foldColumn(name)
  // Who has an account that is disabled may want mail.
  if (other.test(folded) || folded === 'disabled') return undefined
  const stem = folded.replace(before, '')
  if (stem === 'status' || stem === 'state') return stem
  const what = stem.endsWith('status') ? stem.slice(0, -'status'.length) : stem
  const was = what.replace(timeBehind, '')
  if (optOut.has(what) || optOut.has(was)) return 'optOut'
  if (undeliverable.has(what) || undeliverable.has(was)) return 'undeliverable'
  // When somebody opted in is no news.
  return optIn.has(what) ? 'optIn' : undefined
}

/**
 * Guesses which columns say who wants mail, by their names and by what is in them. Where that is not sure they stay what
 * they are, with a warning: a property unsubscribes nobody.
 */
export function guessConsent(columns: OpenColumn[]): ConsentGuess[] {
  const guesses = columns.map(guessOne)
  // Of several that are only known by their values each may be about a topic.
  const byValues = guesses.filter((guess) => guess === saysByValues)
  return guesses.map((guess) => {
    if (guess !== saysByValues) return guess
    return byValues.length === 1 ? { to: 'unsubscribed' } : doubt('other columns look so, too')
  })
}

const saysByValues: ConsentGuess = {}

function guessOne({ name, values, isProperty }: OpenColumn): ConsentGuess {
  const sense = senseOf(name)
  const all = (read: (value: Json) => unknown) => values.every((value) => read(value) !== undefined)
  const some = (read: (value: Json) => unknown) => values.some((value) => read(value) !== undefined)
  if (sense === 'optOut') return all(consentOf.unsubscribed!) ? { to: 'unsubscribed' } : unknown
  if (sense === 'undeliverable') return all(consentOf.suppressed!) ? { to: 'suppressed' } : unknown
  if (sense === undefined)
    return !other.test(foldColumn(name)) && all(consentIn) && some(plainConsentIn) ? saysByValues : {}
  if (values.length === 0) return sense === 'state' ? {} : doubt('it is empty in the first rows')
  // Rows whose word is not known are rejected, which shows; as a property the others would be lost in silence.
  if (values.some(saysNo) || (all(consentIn) && (some(plainConsentIn) || !isProperty)))
    return { to: 'unsubscribed' }
  if (sense === 'optIn' && all(consentOf.subscribed!)) return { to: 'subscribed' }
  return sense === 'state' && !some(consentIn) ? {} : unknown
}

function saysNo(value: Json): boolean {
  const consent = plainConsentIn(value)
  return consent !== undefined && !consent.subscribed
}

const doubt = (why: string): ConsentGuess => ({
  warning: `may say who wants no mail, but ${why}: as it is, it unsubscribes nobody. If it does, let it go to unsubscribed`,
})
const unknown = doubt('not all of its values are known to mean that')

/** Of a column that goes where consent is told, but has values that say nothing of it. */
export const rejectingWarning = (to: string, values: Json[]): string | undefined =>
  Object.hasOwn(consentOf, to) && values.some((value) => consentOf[to]!(value) === undefined)
    ? 'has values in its first rows that are not understood: these rows will be rejected'
    : undefined

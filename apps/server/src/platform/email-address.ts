import { domainToASCII } from 'node:url'

/**
 * The one form of an email address. Stored and sent is the canonical form: the local part as given (in NFC), the domain as
 * ASCII in lower case (UTS-46). Compared is the key: the canonical form in lower case, whatever the locale.
 */

const maxLocalPartLength = 64
const maxDomainLength = 253
const maxLabelLength = 63

/** Nearly every address: its canonical form and its key are itself. The dots and hyphens are where they may be. */
const plain =
  /^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*@(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)*[a-z](?:[a-z0-9-]*[a-z0-9])?$/

const isPlain = (text: string): boolean =>
  // Then no part of it is too long either.
  text.length <= maxLabelLength && plain.test(text) && !text.includes('xn--')

/** The canonical form; undefined for what is no email address. */
export function canonicalAddress(text: string): string | undefined {
  if (isPlain(text)) return text
  const read = readAddress(text)
  return 'address' in read ? read.address : undefined
}

/** Why a text is no email address, as it continues "email …"; undefined when it is one. */
export function addressProblem(text: string): string | undefined {
  const read = readAddress(text)
  return 'reason' in read ? read.reason : undefined
}

/** What addresses are compared by. Of what is no address, the text in lower case. */
export function addressKey(text: string): string {
  if (isPlain(text)) return text
  // Lower case can leave letters and accents that have a letter of their own.
  return (canonicalAddress(text) ?? text.trim()).toLowerCase().normalize('NFC')
}

/**
 * What a part of an address may be in keys of addresses that have it: in lower case, and what may be a domain in ASCII
 * form, too. What comes behind an @ can only be one.
 */
export function addressParts(text: string): string[] {
  const bare = withoutEdges(text).normalize('NFC')
  if (bare === '') return [text]
  const at = bare.lastIndexOf('@')
  const local = bare
    .slice(0, at + 1)
    .toLowerCase()
    .normalize('NFC')
  const rest = bare.slice(at + 1)
  const lower = rest.toLowerCase().normalize('NFC')
  const ascii = asciiDomain(rest)
  if (ascii === '' || ascii === lower) return [local + lower]
  return at < 0 ? [lower, ascii] : [local + ascii]
}

/** The key where the database can't tell it by folding ASCII letters: see audience/people/address-sql.ts. */
export function foldedAddress(address: string): string | null {
  if (/^[\0-\x7f]*$/.test(address)) return null
  const key = addressKey(address)
  return key === address.replace(/[A-Z]/g, (letter) => letter.toLowerCase()) ? null : key
}

/** Of a canonical address. */
export const domainOf = (address: string): string => address.slice(address.lastIndexOf('@') + 1)

type Read = { address: string } | { reason: string }

/** Far longer than an address with what may be at its edges. */
const maxTextLength = 1_000

function readAddress(text: string): Read {
  if (text.length > maxTextLength) return no('it is too long')
  const bare = withoutEdges(text).normalize('NFC')
  const at = bare.lastIndexOf('@')
  if (at < 0) return no('it has no @')
  const local = bare.slice(0, at)
  const domain = asciiDomain(bare.slice(at + 1))
  const problem = problemInside(bare) ?? problemOfLocalPart(local) ?? problemOfDomain(domain)
  return problem === undefined ? { address: `${local}@${domain}` } : no(problem)
}

const no = (problem: string) => ({ reason: `is not an email address: ${problem}` })

/** White space, controls and all that is not seen: marks of direction and order, joiners, soft hyphens. */
const unseen = /[\s\p{Cc}\p{Cf}\p{Zs}\p{Default_Ignorable_Code_Point}]/u

/** As somebody sees it who looks at it. */
export const withoutUnseen = (text: string): string => [...text].filter((one) => !unseen.test(one)).join('')

/** Character by character: an expression would look for the end from each of them. */
function withoutEdges(text: string): string {
  const isUnseenAt = (place: number) => unseen.test(String.fromCodePoint(text.codePointAt(place)!))
  const widthAt = (place: number) => (text.codePointAt(place)! > 0xffff ? 2 : 1)
  let start = 0
  while (start < text.length && isUnseenAt(start)) start += widthAt(start)
  let end = text.length
  while (end > start) {
    const last = end - 1 > start && widthAt(end - 2) === 2 ? end - 2 : end - 1
    if (!isUnseenAt(last)) break
    end = last
  }
  return text.slice(start, end)
}

/** UTS-46; '' for what can be none. Undone by the library, though it means something else in a URL: `%`, `/` and the like. */
function asciiDomain(domain: string): string {
  if (/^[\w.-]*$/.test(domain) && !/xn--/i.test(domain)) return domain.toLowerCase()
  return /[!-,/:-@[-^`{-~]/.test(domain) ? '' : domainToASCII(domain)
}

function problemInside(address: string): string | undefined {
  const hidden = unseen.exec(address)?.[0]
  if (hidden === ' ') return 'it has a space in it'
  if (hidden !== undefined) {
    const code = hidden.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')
    return `it has an invisible character in it (U+${code})`
  }
  if (!address.isWellFormed()) return 'it has half a character in it'
  if (address.includes('\ufffd')) return 'it has a character in it that could not be read (U+FFFD)'
  const special = /[,;:<>()[\]\\"]/.exec(address)?.[0]
  return special === undefined ? undefined : `it has ${special} in it`
}

function problemOfLocalPart(local: string): string | undefined {
  if (local === '') return 'nothing comes before the @'
  if (local.includes('@')) return 'it has more than one @'
  if (local.length > maxLocalPartLength) return `more than ${maxLocalPartLength} characters come before the @`
  if (local.startsWith('.') || local.endsWith('.')) return 'what comes before the @ begins or ends with a dot'
  return local.includes('..') ? 'it has two dots in a row' : undefined
}

function problemOfDomain(domain: string): string | undefined {
  if (domain === '') return 'what comes after the @ is no domain'
  if (domain.length > maxDomainLength) return `its domain is longer than ${maxDomainLength} characters`
  if (domain.startsWith('.') || domain.endsWith('.')) return 'its domain begins or ends with a dot'
  const labels = domain.split('.')
  for (const label of labels) {
    if (label === '') return 'it has two dots in a row'
    if (label.length > maxLabelLength)
      return `a part of its domain is longer than ${maxLabelLength} characters`
    if (label.startsWith('-') || label.endsWith('-'))
      return 'a part of its domain begins or ends with a hyphen'
    if (!/^[a-z0-9_-]+$/.test(label)) return 'what comes after the @ is no domain'
  }
  // It would be an IPv4 address, which can be written in several ways.
  return /^(?:\d+|0x[0-9a-f]*)$/.test(labels.at(-1)!) ? 'its domain ends with a number' : undefined
}

import { addressKey, addressProblem, canonicalAddress } from '../../platform/email-address.ts'

export interface Mailbox {
  name: string
  /** Canonical. */
  address: string
}

export type ReadMailboxes = { mailboxes: Mailbox[] } | { problem: string }

const control = /\p{Cc}/u
/** Of a header's value, room for more recipients than a message may have. */
const maxList = 16_384

/**
 * Of a list as people write it, `Ann <a@x.co>, "Jobs, Steve" <b@x.co>, c@x.co`: each address once. Nothing is guessed, and no word
 * is dropped: what is neither an address nor a name and an address in brackets is a problem.
 */
export function readMailboxes(list: string): ReadMailboxes {
  if (list.length > maxList) return { problem: `it is longer than ${maxList} characters` }
  if (control.test(list)) return { problem: 'it has a line break or a control character in it' }
  const masked = maskQuoted(list)
  if (masked === undefined) return { problem: 'a quotation mark (") is not closed' }
  const byKey = new Map<string, Mailbox>()
  let start = 0
  for (const part of masked.split(/[,;]/)) {
    const end = start + part.length
    const read = part.trim() === '' ? undefined : readMailbox(list.slice(start, end), part)
    start = end + 1
    if (read === undefined) continue
    if ('problem' in read) return read
    const key = addressKey(read.address)
    if (!byKey.has(key)) byKey.set(key, read)
  }
  return byKey.size > 0 ? { mailboxes: [...byKey.values()] } : { problem: 'it is empty' }
}

/** As {@link readMailboxes}; undefined when there is a problem. */
export function parseMailboxes(list: string): Mailbox[] | undefined {
  const read = readMailboxes(list)
  return 'mailboxes' in read ? read.mailboxes : undefined
}

/** As long as the list, without what is quoted: no comma or bracket in it counts. Undefined when a quote is not closed. */
function maskQuoted(list: string): string | undefined {
  let masked = ''
  let quoted = false
  for (let at = 0; at < list.length; at++) {
    const escaped = quoted && list[at] === '\\'
    if (list[at] === '"') quoted = !quoted
    masked += quoted ? '_' : list[at]
    if (!escaped || at + 1 === list.length) continue
    masked += '_'
    at++
  }
  return quoted ? undefined : masked
}

function readMailbox(text: string, masked: string): Mailbox | { problem: string } {
  const open = masked.indexOf('<')
  if (open < 0) return withAddress('', text.trim()) ?? { problem: problemOfBare(text.trim()) }
  const close = masked.indexOf('>', open)
  if (close < 0 || masked.slice(close + 1).trim() !== '' || masked.slice(0, open).includes('>'))
    return { problem: 'after the name, one address stands in brackets, and nothing after it' }
  const address = text.slice(open + 1, close).trim()
  const name = nameOf(text.slice(0, open).trim(), masked.slice(0, open).trim())
  return withAddress(name, address) ?? { problem: problemOfAddress(address) }
}

function withAddress(name: string, text: string): Mailbox | undefined {
  const address = canonicalAddress(text)
  return address === undefined ? undefined : { name, address }
}

/** What is one quoted text as a whole is meant without the quotes; anything else as it is written. */
function nameOf(text: string, masked: string): string {
  const isQuoted = text.startsWith('"') && masked.indexOf('"') === masked.length - 1
  return isQuoted ? text.slice(1, -1).replace(/\\(.)/gsu, '$1').trim() : text
}

/** The brackets were forgotten, mostly. */
function problemOfBare(text: string): string {
  if (!text.includes('@'))
    return `${problemOfAddress(text)}; a name with a comma in it is put in quotes: "Last, First" <address>`
  const last = text.slice(text.lastIndexOf(' ') + 1)
  if (last === text || canonicalAddress(last) === undefined) return problemOfAddress(text)
  return `put the address in brackets: write ${text.slice(0, -last.length).trim()} <${last}>`
}

const problemOfAddress = (text: string) => `"${text}" ${addressProblem(text)}`

/** The bare addresses of such a list. */
export const parseAddresses = (list: string): string[] | undefined =>
  parseMailboxes(list)?.map(({ address }) => address)

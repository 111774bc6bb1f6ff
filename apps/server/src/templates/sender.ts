import { type Mailbox, parseMailboxes } from '../messages/addresses.ts'
import { maskTokens } from './plain-text.ts'

/**
 * Who a mail is from, or answers go to. Addresses are what the author of the template wrote: what comes from people and events is
 * part of a name at most. So values are marked while such a part is rendered, `U+E000 <hex> U+E001`, and what was rendered is read
 * as mailboxes before they are put in.
 */
export interface Sender {
  /** For people to read; '' without any. */
  text: string
  /** Undefined when it is no list of addresses, or a value stands in an address. */
  mailboxes: Mailbox[] | undefined
}

/** Of a value, in characters: a name is a part of one line. */
const longestValue = 100

/** A value as it stands in a rendered part until its mailboxes are known. */
export function markValue(value: unknown): string {
  const text = Array.isArray(value) ? value.join('') : String(value ?? '')
  if (text === '') return ''
  const shown = [...text.slice(0, longestValue * 2)].slice(0, longestValue).join('')
  return `\uE000${Buffer.from(shown).toString('hex')}\uE001`
}

const putIn = (text: string): string =>
  text
    .replace(/\uE000([0-9a-f]*)\uE001/g, (_, hex: string) => Buffer.from(hex, 'hex').toString())
    .replace(/[\p{Cc}\u2028\u2029\uE000\uE001]+/gu, ' ')
    .trim()

export function readSender(rendered: string): Sender {
  const parsed = parseMailboxes(rendered)
  if (!parsed || parsed.some(({ address }) => address.includes('\uE000'))) {
    return { text: putIn(rendered), mailboxes: undefined }
  }
  const mailboxes = parsed.map(({ name, address }) => ({ name: putIn(name), address }))
  return { text: mailboxes.map(describe).join(', '), mailboxes }
}

function describe({ name, address }: Mailbox): string {
  if (name === '') return address
  return `${/[()<>[\]:;@\\,."]/.test(name) ? `"${name.replace(/["\\]/g, '\\$&')}"` : name} <${address}>`
}

type Field = 'fromAddress' | 'replyTo'

/** What keeps a mail from leaving with this sender; undefined when nothing does. */
export function senderProblem(field: Field, { text, mailboxes }: Sender): string | undefined {
  if (text === '' || (mailboxes && (field === 'replyTo' || mailboxes.length === 1))) return undefined
  return field === 'fromAddress'
    ? `${field} must be one address, as in "Shop <hello@example.com>"; Liquid can make the name, not the address`
    : `${field} must be an address, as in "help@example.com"; Liquid can make a name, not an address`
}

/** The same of what an author wrote, as far as it is known before it is rendered: a tag may decide between addresses. */
export function sourceProblem(field: Field, source: string): string | undefined {
  if (source.includes('{%')) return undefined
  const { mailboxes } = readSender(maskTokens(source).masked)
  return senderProblem(field, { text: source.trim(), mailboxes })
}

interface Sendable {
  from_address: string | null
  reply_to: string | null
  subject: string
  html: string
  text?: string | null
}

/** What would keep every mail of a template from leaving, as it continues "the template …". */
export function sendingProblem(template: Sendable): string | undefined {
  if (!template.from_address) return 'has no sender: give it a From address'
  if (!template.subject.trim()) return 'has no subject'
  if (!template.html.trim() && !template.text?.trim()) return 'has no content'
  const problem =
    sourceProblem('fromAddress', template.from_address) ?? sourceProblem('replyTo', template.reply_to ?? '')
  return problem && `has a sender that can't work: ${problem}`
}

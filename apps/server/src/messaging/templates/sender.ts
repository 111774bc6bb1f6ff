import { domainOf } from '../../platform/email-address.ts'
import { onOneLine, shortened } from '../addresses/address-name.ts'
import { type Mailbox, readMailboxes } from '../addresses/addresses.ts'
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
  /** Then, why. */
  problem?: string
}

/** A value as it stands in a rendered part until its mailboxes are known. */
export function markValue(value: unknown): string {
  const text = Array.isArray(value) ? value.join('') : String(value ?? '')
  if (text === '') return ''
  return `\uE000${Buffer.from(shortened(text)).toString('hex')}\uE001`
}

const putIn = (text: string): string =>
  onOneLine(text.replace(/\uE000([0-9a-f]*)\uE001/g, (_, hex: string) => Buffer.from(hex, 'hex').toString()))

export function readSender(rendered: string): Sender {
  const read = readMailboxes(rendered)
  if ('problem' in read)
    return { text: putIn(rendered), mailboxes: undefined, problem: sayable(read.problem) }
  if (read.mailboxes.some(({ address }) => address.includes('\uE000')))
    return { text: putIn(rendered), mailboxes: undefined, problem: notFromLiquid }
  const mailboxes = read.mailboxes.map(({ name, address }) => ({ name: putIn(name), address }))
  return { text: mailboxes.map(describe).join(', '), mailboxes }
}

const notFromLiquid = 'Liquid can make the name, not the address'

/** The problem of a text with values in it is theirs, or can be told without them. */
function sayable(problem: string): string {
  if (!problem.includes('\uE000')) return problem
  return problem.startsWith('put ') ? problem.replace(/\uE000[0-9a-f]*\uE001/g, '…') : notFromLiquid
}

function describe({ name, address }: Mailbox): string {
  if (name === '') return address
  return `${/[()<>[\]:;@\\,."]/.test(name) ? `"${name.replace(/["\\]/g, '\\$&')}"` : name} <${address}>`
}

/** By the names that the REST API and the sending API have. */
type Field = 'fromAddress' | 'replyTo' | 'from' | 'reply_to'

export interface SenderRules {
  /** A domain without a dot, as `localhost` or a name of a private network, can be one of a sender. */
  bareDomains: boolean
}

/** Nothing on the public Internet has a domain without a dot. */
const publicDomains: SenderRules = { bareDomains: false }

/** Of a process with this configuration. */
export const senderRules = (config: { allowPrivateNetworks: boolean }): SenderRules => ({
  bareDomains: config.allowPrivateNetworks,
})

/** What keeps a mail from leaving with this sender; undefined when nothing does. Without any, a mail has no sender. */
export function senderProblem(field: Field, sender: Sender, rules = publicDomains): string | undefined {
  if (sender.text === '') return undefined
  const isFrom = field === 'fromAddress' || field === 'from'
  const problem = problemOf(sender, isFrom, rules)
  if (problem === undefined) return undefined
  return isFrom
    ? `${field} must be one address, as in "Shop <hello@example.com>"; ${problem}`
    : `${field} must be an address, as in "help@example.com"; ${problem}`
}

function problemOf({ mailboxes, problem }: Sender, isFrom: boolean, { bareDomains }: SenderRules) {
  if (!mailboxes) return problem
  if (isFrom && mailboxes.length > 1) return `these are ${mailboxes.length}`
  const bare = mailboxes.find(({ address }) => !bareDomains && !domainOf(address).includes('.'))
  return bare && `the domain of ${bare.address} has no dot: write it in full, as in example.com`
}

/** The same of what an author wrote, as far as it is known before it is rendered: a tag may decide between addresses. */
export function sourceProblem(field: Field, source: string, rules = publicDomains): string | undefined {
  if (source.includes('{%')) return undefined
  return senderProblem(field, { ...readSender(maskTokens(source).masked), text: source.trim() }, rules)
}

const noSender =
  'fromAddress is empty: give it a sender, as in "Shop <hello@example.com>"; mail without one goes no further than the sandbox mailbox'

/** What keeps mail of a template from leaving, on account of its sender; null when nothing does. */
export function templateSenderProblem(
  { fromAddress, replyTo }: { fromAddress?: string | null; replyTo?: string | null },
  rules: SenderRules,
): string | null {
  if (!fromAddress?.trim()) return noSender
  const problem =
    sourceProblem('fromAddress', fromAddress, rules) ?? sourceProblem('replyTo', replyTo ?? '', rules)
  return problem ?? null
}

export interface Sendable {
  from_address: string | null
  reply_to: string | null
  subject: string
  html: string
  text?: string | null
}

/** What would keep every mail of a template from leaving, as it continues "the template …". */
export function sendingProblem(template: Sendable, rules: SenderRules): string | undefined {
  if (!template.from_address?.trim()) return 'has no sender: give it a From address'
  if (!template.subject.trim()) return 'has no subject'
  if (!template.html.trim() && !template.text?.trim()) return 'has no content'
  const { from_address: fromAddress, reply_to: replyTo } = template
  const problem = templateSenderProblem({ fromAddress, replyTo }, rules)
  return problem ? `has a sender that can't work: ${problem}` : undefined
}

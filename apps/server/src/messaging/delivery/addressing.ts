import type { Recipient } from '../../audience/people/lookup.ts'
import type { App } from '../../platform/app.ts'
import { addressKey } from '../../platform/email-address.ts'
import type { Addressed, Channel } from '../channels/channel.ts'
import { type Consent, type OptOuts, optOutsOf } from '../messages/consent.ts'
import {
  type LoadedMessage,
  loadOptedOut,
  loadSuppressed,
  optOutKey,
  type Sending,
} from '../messages/load.ts'
import { hindrance, type WaitsFor } from '../sending/waiting.ts'

/** A message with all that it needs the person's consent to. */
export interface Consented {
  message: LoadedMessage
  consents: Consent[]
}

export type Addressing =
  | Addressed
  | { message: LoadedMessage; skip: string }
  | { message: LoadedMessage; waitsFor: WaitsFor }

/**
 * Applies what holds for every mail: an address is needed, unsubscribed people and addresses get no marketing, suppressed addresses
 * get nothing at all. Then redirects tests.
 */
export async function addressMessages(
  app: App,
  projectId: number,
  { address }: Channel,
  messages: Consented[],
  sending: Sending,
): Promise<Addressing[]> {
  const wanted = messages.map(({ message, consents }) => ({
    message,
    optOuts: optOutsOf(consents),
    to: recipientsOf(address, message),
    bcc: canonicalAddresses(address, message.input.bcc ?? []),
  }))
  const suppressed = await loadSuppressed(
    app,
    projectId,
    wanted.flatMap(({ to, bcc }) => [...to, ...bcc]),
  )
  const optedOut = await loadOptedOut(
    app,
    projectId,
    wanted.flatMap(({ message, optOuts, to, bcc }) =>
      [...to, ...bcc]
        .filter((one) => !isOwn(address, message, one))
        .flatMap((one) => optOutsThatCount(message, optOuts).map((topic) => ({ address: one, topic }))),
    ),
  )
  return wanted.map(({ message, optOuts, to, bcc }) => {
    const counting = optOutsThatCount(message, optOuts)
    const allowed = (one: string) => !suppressed.has(addressKey(one))
    const willing = (one: string) =>
      isOwn(address, message, one) ||
      !counting.some((topic) => optedOut.has(optOutKey({ address: one, topic })))
    const skip = reasonToSkip(address, message, optOuts, to, { allowed, willing })
    if (skip) return { message, skip }
    const waitsFor = isTest(message) ? null : hindrance(sending)
    if (waitsFor) return { message, waitsFor }
    const wants = (one: string) => allowed(one) && willing(one)
    const mail = { message, marketing: optOuts.marketing, to: to.filter(wants), bcc: bcc.filter(wants) }
    return redirect(address, mail, sending)
  })
}

/** Only mail that was made in a live project goes to whom it is meant for, and to nobody else. */
const isTest = ({ live, test }: LoadedMessage): boolean => test || !live

/** Of all marketing (null), and of topics; the caller of transactional mail may want the first heeded, too. */
const optOutsThatCount = ({ input }: LoadedMessage, { marketing, topics }: OptOuts): (string | null)[] =>
  marketing || input.onlySubscribed === true ? [null, ...topics] : []

type Address = Channel['address']

/** The address of the person whom the message is for: what they said themselves counts. */
function isOwn(address: Address, { person }: LoadedMessage, one: string): boolean {
  const own = person && address.of(person)
  return Boolean(own) && addressKey(own!) === addressKey(one)
}

function recipientsOf(address: Address, { input, person }: LoadedMessage): string[] {
  if (input.to && input.to.length > 0) return canonicalAddresses(address, input.to)
  return canonicalAddresses(address, [(person && address.of(person)) ?? ''])
}

/** Of what an older version stored, too. */
const canonicalAddresses = ({ canonical }: Address, addresses: string[]): string[] =>
  addresses.map(canonical).filter((one) => one !== undefined)

function reasonToSkip(
  address: Address,
  message: LoadedMessage,
  optOuts: OptOuts,
  to: string[],
  { allowed, willing }: Record<'allowed' | 'willing', (address: string) => boolean>,
): string | undefined {
  const { person, personId, input } = message
  // Marketing is for people who may opt out, and other mail may name its recipients.
  if (!person && (optOuts.marketing || !(input.to || input.person))) return 'the person was deleted'
  if (to.length === 0) {
    if (personId !== null && !person) return 'the person was deleted'
    return (person && address.of(person)) || input.to ? address.invalid : address.missing
  }
  const refused = person && optOutsThatCount(message, optOuts).find((topic) => !wantsOf(person, topic))
  if (refused !== undefined) return refused === null ? 'unsubscribed' : `unsubscribed from topic "${refused}"`
  const left = (input.left ?? to).filter(allowed)
  if (person?.suppressed || left.length === 0) return 'suppressed'
  return left.some(willing) ? undefined : 'unsubscribed'
}

/** Who said nothing about a topic is not opted out of it. */
const wantsOf = ({ subscribed, topics }: Recipient, topic: string | null): boolean =>
  topic === null ? subscribed : !(Object.hasOwn(topics, topic) && topics[topic] === false)

/** A test goes to the project's test address; without one, or without a server, no further than the sandbox mailbox. */
function redirect(
  { canonical }: Address,
  mail: Pick<Addressed, 'message' | 'marketing' | 'to' | 'bcc'>,
  { testAddress, hasServer }: Sending,
): Addressed {
  if (!isTest(mail.message)) return { ...mail, sandbox: false, insteadOf: undefined }
  if (!testAddress) return { ...mail, sandbox: true, insteadOf: undefined }
  // Of what an older version stored, too.
  const to = [canonical(testAddress) ?? testAddress]
  return { ...mail, to, bcc: [], sandbox: !hasServer, insteadOf: mail.to }
}

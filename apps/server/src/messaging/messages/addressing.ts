import type { App } from '../../platform/app.ts'
import { addressKey, canonicalAddress } from '../../platform/email-address.ts'
import { hindrance, type WaitsFor } from '../sending/waiting.ts'
import { type LoadedMessage, loadOptedOut, loadSuppressed, type Sending } from './load.ts'

/** Who a message goes to, and by which way. */
export interface Addressed {
  message: LoadedMessage
  to: string[]
  bcc: string[]
  /** Keep it in the sandbox mailbox. */
  sandbox: boolean
  /** The real recipients, when a test sends to somebody else. */
  insteadOf: string[] | undefined
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
  messages: LoadedMessage[],
  sending: Sending,
): Promise<Addressing[]> {
  const wanted = messages.map((message) => ({
    message,
    to: recipientsOf(message),
    bcc: canonicalAddresses(message.input.bcc ?? []),
  }))
  const suppressed = await loadSuppressed(
    app,
    projectId,
    wanted.flatMap(({ to, bcc }) => [...to, ...bcc]),
  )
  const optedOut = await loadOptedOut(
    app,
    projectId,
    wanted.flatMap(({ message, to, bcc }) =>
      optOutCounts(message) ? [...to, ...bcc].filter((address) => !isOwn(message, address)) : [],
    ),
  )
  return wanted.map(({ message, to, bcc }) => {
    const allowed = (address: string) => !suppressed.has(addressKey(address))
    const willing = (address: string) =>
      !optOutCounts(message) || isOwn(message, address) || !optedOut.has(addressKey(address))
    const skip = reasonToSkip(message, to, { allowed, willing })
    if (skip) return { message, skip }
    const waitsFor = isTest(message) ? null : hindrance(sending)
    if (waitsFor) return { message, waitsFor }
    const wants = (address: string) => allowed(address) && willing(address)
    return redirect({ message, to: to.filter(wants), bcc: bcc.filter(wants) }, sending)
  })
}

/** Only mail that was made in a live project goes to whom it is meant for, and to nobody else. */
const isTest = ({ live, test }: LoadedMessage): boolean => test || !live

const optOutCounts = ({ marketing, input }: LoadedMessage): boolean =>
  marketing || input.onlySubscribed === true

/** The address of the person whom the message is for: what they said themselves counts. */
const isOwn = ({ person }: LoadedMessage, address: string): boolean =>
  Boolean(person?.email) && addressKey(person!.email!) === addressKey(address)

function recipientsOf({ input, person }: LoadedMessage): string[] {
  if (input.to && input.to.length > 0) return canonicalAddresses(input.to)
  return canonicalAddresses([person?.email ?? ''])
}

/** Of what an older version stored, too. */
const canonicalAddresses = (addresses: string[]): string[] =>
  addresses.map(canonicalAddress).filter((address) => address !== undefined)

function reasonToSkip(
  message: LoadedMessage,
  to: string[],
  { allowed, willing }: Record<'allowed' | 'willing', (address: string) => boolean>,
): string | undefined {
  const { person, personId } = message
  if (message.class === 'behavioral' && !person) return 'the person was deleted'
  if (to.length === 0) {
    if (personId !== null && !person) return 'the person was deleted'
    return person?.email || message.input.to ? 'the email address is not valid' : 'no email'
  }
  if (optOutCounts(message) && person && !person.subscribed) return 'unsubscribed'
  const left = (message.input.left ?? to).filter(allowed)
  if (person?.suppressed || left.length === 0) return 'suppressed'
  return left.some(willing) ? undefined : 'unsubscribed'
}

/** A test goes to the project's test address; without one, or without a server, no further than the sandbox mailbox. */
function redirect(
  mail: { message: LoadedMessage; to: string[]; bcc: string[] },
  { testAddress, hasServer }: Sending,
): Addressed {
  if (!isTest(mail.message)) return { ...mail, sandbox: false, insteadOf: undefined }
  if (!testAddress) return { ...mail, sandbox: true, insteadOf: undefined }
  // Of what an older version stored, too.
  const to = [canonicalAddress(testAddress) ?? testAddress]
  return { message: mail.message, to, bcc: [], sandbox: !hasServer, insteadOf: mail.to }
}

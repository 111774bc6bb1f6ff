import type { App } from '../../platform/app.ts'
import { addressKey, canonicalAddress } from '../../platform/email-address.ts'
import { type LoadedMessage, loadOptedOut, loadSuppressed, type Sending } from './load.ts'

/** Who a message goes to, and by which way. */
export interface Addressed {
  message: LoadedMessage
  to: string[]
  bcc: string[]
  /** Keep it in the sandbox mailbox, whatever provider there is. */
  sandbox: boolean
  /** The real recipients, when a test sends to somebody else. */
  insteadOf: string[] | undefined
}

export type Addressing =
  | Addressed
  | { message: LoadedMessage; skip: string }
  /** It stays as it is for now, see {@link untilLive}. */
  | { message: LoadedMessage; waits: true }

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
    if (sending.mode === 'test' && message.live && !message.test) return { message, waits: true }
    const wants = (address: string) => allowed(address) && willing(address)
    return redirect({ message, to: to.filter(wants), bcc: bcc.filter(wants) }, sending)
  })
}

/** Why a mail of a live project waits. */
export const untilLive = 'the project is in test mode; it leaves when the project is live again'

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

/** A test goes to the project's test address, and without one no further than the sandbox mailbox. */
function redirect(
  mail: { message: LoadedMessage; to: string[]; bcc: string[] },
  sending: Sending,
): Addressed {
  const isTest = sending.mode === 'test' || mail.message.test
  if (!isTest) return { ...mail, sandbox: false, insteadOf: undefined }
  if (!sending.testAddress) return { ...mail, sandbox: true, insteadOf: undefined }
  // Of what an older version stored, too.
  const to = [canonicalAddress(sending.testAddress) ?? sending.testAddress]
  return { message: mail.message, to, bcc: [], sandbox: false, insteadOf: mail.to }
}

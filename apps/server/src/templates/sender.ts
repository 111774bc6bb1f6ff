import { parseAddresses, parseMailbox } from '../messages/addresses.ts'

/** What keeps a mail from leaving with this sender: the same as when it is made. With Liquid in it, known only then. */
export function senderProblem(field: 'fromAddress' | 'replyTo', value: string): string | undefined {
  const isUsable = field === 'fromAddress' ? parseMailbox(value) : parseAddresses(value)
  if (isUsable) return undefined
  return field === 'fromAddress'
    ? `${field} must be one address, as in "Shop <hello@example.com>"`
    : `${field} must be an address, as in "help@example.com"`
}

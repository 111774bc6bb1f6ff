import type { Message } from '@fairway/api'
import { messageStates } from '../../components/state-badge.tsx'

const explanations: [RegExp, string][] = [
  [/^no email$/, 'The person has no email address.'],
  [/^unsubscribed$/, 'The person unsubscribed from marketing mail.'],
  [/^unsubscribed from topic /, 'The person opted out of this topic: '],
  [/^suppressed$/, 'The address is suppressed: nothing is ever sent to it.'],
  [/^frequency/, 'The person already got this within the time that the campaign’s frequency rule sets.'],
  [/^condition false: /, 'Just before sending, this condition was not met: '],
  [/^wait: /, 'The wait led nowhere: '],
  [/^(?=template( "|:)|the template was deleted)/, 'The mail could not be made: '],
]

/** A stored reason as a sentence; one that is a sentence already is shown as it is. */
export function explainReason(reason: string): string {
  for (const [pattern, words] of explanations)
    if (pattern.test(reason)) return words.endsWith(' ') ? words + reason.replace(pattern, '') : words
  return reason
}

/** What became of the message; more than its state alone says, where the rest of it does. */
export function meaningOf({ state, reason, provider, attempts, nextTryAt, waitsFor }: Message): string {
  if (reason?.endsWith(' by hand') && state !== 'pending') return 'Somebody recorded it so by hand.'
  if (state === 'sent' && provider === 'sandbox') return 'Kept in the mailbox. No provider was asked.'
  if (waitsFor) return 'It is held back as long as the reason holds, and leaves by itself then.'
  if (nextTryAt) return 'It could not be sent yet, and is tried again by itself.'
  if (state !== 'failed') return messageStates[state].meaning
  if (attempts === 0) return 'It was not sent. No provider was asked.'
  if (reason?.startsWith('given up after')) return 'It was tried again and again, and no provider took it.'
  return provider === null ? messageStates.failed.meaning : 'The provider refused it for good.'
}

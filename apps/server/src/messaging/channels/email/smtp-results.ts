import type { Deferred, SendResult } from '../result.ts'
import { type ServerName, wordSmtpError } from './error-words.ts'
import { refusedBy } from './refusals.ts'
import type { SmtpError } from './smtp-error.ts'

/** How far the message itself got. */
export interface SendProgress {
  /** Everything was written, so the final dot may have reached the server. */
  complete: boolean
}

/** A mail that is being handed over. */
export interface Sending {
  /** All its recipients. */
  to: string[]
  /** The server, as people know it. */
  at?: ServerName
}

/**
 * Tells from a nodemailer error whether the message may have been accepted, and whom a refusal is about.
 *
 * A reply to the envelope (`EENVELOPE`) or to the message (`EMESSAGE`) is an answer: 5xx is final where it is about this mail, all
 * else may be tried again. Any other error is a broken session: without the complete message the server can't have accepted it; with
 * it, nobody knows.
 */
export function classifySmtpError(error: unknown, progress: SendProgress, { to, at }: Sending): SendResult {
  const smtp = error as SmtpError
  const reason = wordSmtpError(smtp, at)
  const answered = smtp.code === 'EENVELOPE' || smtp.code === 'EMESSAGE'
  if (answered) {
    // Refused before a connection was used: an address or a size that this server will never take.
    if (smtp.responseCode === undefined) return { outcome: 'failed', reason, bounced: [] }
    const refuser = refusedBy(smtp)
    if (refuser !== 'mail' || smtp.responseCode < 500 || smtp.responseCode === 503) {
      return { outcome: 'retry', reason, refusedBy: refuser }
    }
    return { outcome: 'failed', reason, bounced: bouncedAddresses(smtp, to) }
  }
  const silent = smtp.code === 'ETIMEDOUT'
  if (progress.complete) {
    const what = silent
      ? 'the server did not answer after the message was handed over'
      : 'the connection broke after the message was handed over'
    return { outcome: 'unknown', reason: `${what}: ${reason}`, silent }
  }
  return { outcome: 'retry', reason, refusedBy: 'provider', silent }
}

/** Mailboxes and domains that do not exist (RFC 3463 class 5.1): sending there again only harms the sender's name. */
const addressDoesNotExist = /\b5\.1\.(1|2|6|10)\b/

/** Some servers look at recipients only after the message: with one in `to`, it is the one that does not exist. */
export function bouncedAddresses(
  error: SmtpError | Required<Pick<SmtpError, 'rejectedErrors'>>,
  to: string[] = [],
): string[] {
  const refusals = error.rejectedErrors ?? [error as SmtpError]
  return refusals.flatMap(({ command, response = '', responseCode = 0, recipient }) => {
    const address = recipient ?? (command === 'DATA' && to.length === 1 ? to[0] : undefined)
    return address !== undefined && responseCode >= 500 && addressDoesNotExist.test(response) ? [address] : []
  })
}

/** Of recipients that a server refused while it took others. */
export function deferredRecipients(refusals: SmtpError[]): Deferred | undefined {
  const deferred = refusals.filter(({ recipient, responseCode = 500 }) => recipient && responseCode < 500)
  if (deferred.length === 0) return undefined
  return { addresses: deferred.map(({ recipient }) => recipient!), reason: wordSmtpError(deferred[0]!) }
}

/** What is said of those whom a server refused for good while it took others; null without any. */
export function refusedNote(refusals: SmtpError[]): string | null {
  const refused = refusals.filter(({ recipient, responseCode = 500 }) => recipient && responseCode >= 500)
  if (refused.length === 0) return null
  return `refused for ${refused.map(({ recipient }) => recipient).join(', ')}: ${wordSmtpError(refused[0]!)}`
}

/** What became of one mail handed to a provider. */
export type SendResult =
  | {
      outcome: 'sent'
      providerMessageId: string | null
      note: string | null
      bounced: string[]
      /** Recipients that were not taken, but may be later. */
      deferred: Deferred | undefined
    }
  /** Refused for good: never tried again. `bounced` addresses do not exist. */
  | { outcome: 'failed'; reason: string; bounced: string[] }
  /** Certainly not accepted, but may be later. */
  | {
      outcome: 'retry'
      reason: string /** The provider itself is in trouble, not this message. */
      provider: boolean
    }
  /** It may have been accepted: never tried again by itself. */
  | { outcome: 'unknown'; reason: string }

export interface Deferred {
  addresses: string[]
  reason: string
}

export interface SmtpError extends Error {
  code?: string
  command?: string
  response?: string
  responseCode?: number
  recipient?: string
  rejectedErrors?: SmtpError[]
}

/** How far the message itself got. */
export interface SendProgress {
  /** Everything was written, so the final dot may have reached the server. */
  complete: boolean
}

/**
 * Tells from a nodemailer error whether the message may have been accepted.
 *
 * A reply to the envelope (`EENVELOPE`) or to the message (`EMESSAGE`) is an answer: 5xx is final, 4xx may be tried
 * again. Any other error is a broken session: without the complete message the server can't have accepted it; with it,
 * nobody knows.
 */
export function classifySmtpError(error: unknown, progress: SendProgress): SendResult {
  const smtp = error as SmtpError
  const reason = describe(smtp)
  const answered = smtp.code === 'EENVELOPE' || smtp.code === 'EMESSAGE'
  if (answered) {
    // Refused before a connection was used: an address or a size that this server will never take.
    if (smtp.responseCode === undefined) return { outcome: 'failed', reason, bounced: [] }
    if (smtp.responseCode >= 500 && smtp.responseCode !== 503) {
      return { outcome: 'failed', reason, bounced: bouncedAddresses(smtp) }
    }
    return { outcome: 'retry', reason, provider: smtp.responseCode === 421 }
  }
  if (progress.complete) {
    return { outcome: 'unknown', reason: `the connection broke after the message was handed over: ${reason}` }
  }
  return { outcome: 'retry', reason, provider: true }
}

/** Mailboxes and domains that do not exist (RFC 3463 class 5.1): sending there again only harms the sender's name. */
const addressDoesNotExist = /\b5\.1\.(1|2|6|10)\b/

export function bouncedAddresses(error: SmtpError | Required<Pick<SmtpError, 'rejectedErrors'>>): string[] {
  const refusals = error.rejectedErrors ?? [error as SmtpError]
  return refusals.flatMap((refusal) =>
    refusal.recipient &&
    (refusal.responseCode ?? 0) >= 500 &&
    addressDoesNotExist.test(refusal.response ?? '')
      ? [refusal.recipient]
      : [],
  )
}

/** Of recipients that a server refused while it took others. */
export function deferredRecipients(refusals: SmtpError[]): Deferred | undefined {
  const deferred = refusals.filter(({ recipient, responseCode = 500 }) => recipient && responseCode < 500)
  if (deferred.length === 0) return undefined
  return { addresses: deferred.map(({ recipient }) => recipient!), reason: describe(deferred[0]!) }
}

/** What is said of those whom a server refused for good while it took others; null without any. */
export function refusedNote(refusals: SmtpError[]): string | null {
  const refused = refusals.filter(({ recipient, responseCode = 500 }) => recipient && responseCode >= 500)
  if (refused.length === 0) return null
  return `refused for ${refused.map(({ recipient }) => recipient).join(', ')}: ${describe(refused[0]!)}`
}

function describe(error: SmtpError): string {
  const where =
    error.command && error.command !== 'CONN' && error.command !== 'API' ? `${error.command}: ` : ''
  return `${where}${error.response ?? error.message}`.replace(/\s+/g, ' ').slice(0, 500)
}

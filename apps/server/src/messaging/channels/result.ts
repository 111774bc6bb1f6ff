/**
 * Whom a refusal is about. `provider`: it takes nothing of ours for now, whatever it is; `sender`: it takes nothing from this one;
 * `mail`: this message or its recipients.
 */
export type Refuser = 'provider' | 'sender' | 'mail'

/** What became of one message handed to a provider. */
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
      reason: string
      refusedBy: Refuser
      /** It did not answer in time. */
      silent?: boolean
    }
  /** It may have been accepted: never tried again by itself. */
  | { outcome: 'unknown'; reason: string /** It did not answer in time. */; silent?: boolean }

export interface Deferred {
  addresses: string[]
  reason: string
}

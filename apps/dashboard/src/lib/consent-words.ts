import type { Consent } from '@fairway/api'

/** Why a message may be sent, in a few words. */
export function describeConsent(consent: Consent | null): string {
  switch (consent?.kind) {
    case 'transactional':
      return 'Transactional'
    case 'marketing':
      return consent.topic === undefined ? 'Marketing' : `Marketing, topic ${consent.topic}`
    case 'legal':
      return `Legal: ${consent.reason}`
    default:
      return 'Nothing says so: it is not sent'
  }
}

/** Whom it reaches by that, in a sentence; undefined for one that reaches nobody. */
export function meaningOfConsent(consent: Consent | null): string | undefined {
  switch (consent?.kind) {
    case 'transactional':
      return 'Somebody waits for it: it reaches people who unsubscribed from marketing, too.'
    case 'marketing':
      return consent.topic === undefined
        ? 'It reaches people who are subscribed.'
        : 'It reaches people who are subscribed and did not opt out of the topic.'
    case 'legal':
      return 'The law asks for it: it reaches people who unsubscribed from marketing, too.'
    default:
      return undefined
  }
}

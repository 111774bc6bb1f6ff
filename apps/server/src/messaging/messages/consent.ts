import { allowOnly, object, oneOf, text } from '../../audience/conditions/check.ts'

export const consentKinds = ['transactional', 'marketing', 'legal'] as const

/**
 * Under which consent a message may be sent; stored with it when it is made. Marketing heeds the person's opt-out, and the one of its
 * topic. What the law asks for reaches people who opted out, too, and says why. Nothing reaches a suppressed address.
 */
export type Consent =
  | { kind: 'transactional' }
  | { kind: 'marketing'; topic?: string }
  | { kind: 'legal'; reason: string }

export const maxTopicLength = 255
export const maxReasonLength = 300

/** Undefined for anything that is not wholly understood: such a message is not sent. */
export function readConsent(stored: unknown): Consent | undefined {
  if (typeof stored !== 'object' || stored === null) return undefined
  const { kind, topic, reason } = stored as Record<string, unknown>
  const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''
  if (kind === 'transactional') return { kind }
  if (kind === 'marketing' && topic === undefined) return { kind }
  if (kind === 'marketing' && isText(topic)) return { kind, topic }
  return kind === 'legal' && isText(reason) ? { kind, reason } : undefined
}

/** As somebody asks for it. Throws a 422 that names the place. */
export function parseConsent(input: unknown): Consent {
  const example = 'must be an object such as {"kind": "marketing", "topic": "news"}'
  const members = object(input, 'consent', example)
  const kind = oneOf(members.kind, 'consent.kind', consentKinds)
  if (kind === 'legal') {
    allowOnly(members, 'consent', ['kind', 'reason'])
    return { kind, reason: text(members.reason, 'consent.reason', maxReasonLength) }
  }
  if (kind === 'transactional') {
    allowOnly(members, 'consent', ['kind'])
    return { kind }
  }
  allowOnly(members, 'consent', ['kind', 'topic'])
  if (members.topic === undefined) return { kind }
  return { kind, topic: text(members.topic, 'consent.topic', maxTopicLength) }
}

/** What keeps a mail from somebody who opted out: of all marketing, or of one of these topics. */
export interface OptOuts {
  marketing: boolean
  topics: string[]
}

/** A mail that is under several consents needs each of them. */
export function optOutsOf(consents: Consent[]): OptOuts {
  const marketing = consents.filter((consent) => consent.kind === 'marketing')
  return {
    marketing: marketing.length > 0,
    topics: [...new Set(marketing.flatMap(({ topic }) => topic ?? []))],
  }
}

export type MailLane = 'transactional' | 'automation' | 'bulk'

/** Mail that somebody waits for goes ahead; a legal notice to everybody does not. */
export const laneOf = (consent: Consent | undefined): MailLane =>
  consent?.kind === 'transactional' ? 'transactional' : 'automation'

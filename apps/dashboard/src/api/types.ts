import type { Condition } from '../conditions/language.ts'

/** What the server's REST API answers, as far as the console reads it. Times are ISO 8601 strings. */

/** One page by keyset; `nextCursor` is null at the end. */
export interface Page<Item> {
  items: Item[]
  nextCursor: string | null
}

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
export type Properties = Record<string, Json>

export interface Organization {
  id: string
  name: string
  role?: string
}

/** An organization that the signed-in person is a member of. */
export interface Membership extends Organization {
  role: string
  rights: string[]
}

/** The server's names, as far as the console asks for them; who has which is the server's business. */
export type ProjectRight =
  | 'content.delete'
  | 'imports.undo'
  | 'keys.manage'
  | 'messages.send'
  | 'people.consent'
  | 'people.edit'
  | 'people.erase'
  | 'people.export'
  | 'project.change'
  | 'queue.manage'
  | 'sending.confirm'
  | 'sending.manage'
  | 'sources.manage'

export interface Session {
  user: { id: string; name: string; email: string; hasPassword: boolean }
  organizations: Membership[]
}

export type ProjectMode = 'test' | 'live'

export interface Project {
  id: number
  name: string
  mode: ProjectMode
  testAddress: string | null
  timezone: string
  eventRetentionDays: number | null
  organization?: Organization | null
  createdAt: string
  updatedAt: string
  /** What the signed-in person may do in it; not told to those who just created or changed it. */
  rights?: string[]
  /** Mail of projects without a provider leaves through the installation's. Told with the settings. */
  installationProvider?: boolean
}

/** The two keys of a new project can be read this once. */
export interface CreatedProject {
  project: Project
  trackingKey: string
  secretKey: string
}

export type KeyKind = 'tracking' | 'secret'

export interface ApiKey {
  id: number
  kind: KeyKind
  name: string
  prefix: string
  createdAt: string
  lastUsedAt: string | null
  revokedAt: string | null
}

export type MessageState = 'pending' | 'claimed' | 'sent' | 'failed' | 'skipped' | 'unknown'
/** As counts tell them: what went no further than the mailbox is not "sent". */
export type CountedState = MessageState | 'kept'
/** Under which a message may be sent. */
export type Consent =
  | { kind: 'transactional' }
  | { kind: 'marketing'; topic?: string }
  | { kind: 'legal'; reason: string }
export type CampaignState = 'off' | 'test' | 'live'

export interface Person {
  id: number
  externalId: string | null
  /** Their id is an address that serves as one. */
  provisional: boolean
  anonymousId: string | null
  email: string | null
  phone: string | null
  timezone: string | null
  language: string | null
  properties: Properties
  tags: string[]
  subscribed: boolean
  suppressed: { reason: string; createdAt: string; addedBy: string | null } | null
  createdAt: string
  updatedAt: string
}

export interface PersonDetail extends Person {
  aliases: { alias: string; kind: 'external' | 'anonymous'; createdAt: string }[]
  channels: { type: string; address: string; platform?: string }[]
  topics: Record<string, boolean>
  segments?: { id: number; name: string }[]
}

/** As the list of events and the live stream tell it. */
export interface EventRow {
  id: string
  name: string
  personId: number
  person: { id: number; externalId: string | null; email: string | null } | null
  properties: Properties
  source: string | null
  occurredAt: string
  receivedAt: string
}

/** One line of a person's history: an event, a message or a change. */
export type TimelineEntry =
  | { kind: 'event'; id: string; at: string; name: string; properties: Properties; source: string | null }
  | {
      kind: 'message'
      id: string
      at: string
      state: MessageState
      reason: string | null
      subject: string | null
      origin: string
      originId: number | null
      consent: Consent | null
      templateId: number | null
    }
  | { kind: 'change'; id: string; at: string; change: string; detail: Properties }

export interface Message {
  id: string
  /** What made it, which of its own, and what that is called; null for one that is gone. */
  origin: string
  originId: number | null
  originName: string | null
  /** Null: nothing that is understood says that it may be sent. */
  consent: Consent | null
  channel: string
  personId: number | null
  templateId: number | null
  eventId: string | null
  state: MessageState
  reason: string | null
  /** When it is tried again; null for one that does not wait for that. */
  nextTryAt: string | null
  /** What it needs that the project does not give now; it leaves when that has changed. */
  waitsFor: 'live' | 'server' | null
  person: { id: number; externalId: string | null; email: string | null; name: string | null } | null
  templateName: string | null
  recipient: string | null
  subject: string | null
  attempts: number
  provider: string | null
  providerMessageId: string | null
  /** To the test address or the mailbox, whatever the project's mode. */
  test: boolean
  dueAt: string
  claimedAt: string | null
  settledAt: string | null
  createdAt: string
}

export interface MessageDetail extends Message {
  /** Reasons of the past, oldest first: failed attempts, doubts, decisions by hand. */
  history: { at: string; state: MessageState; reason: string | null }[]
  /** Its mail in the sandbox mailbox. */
  mailboxId: number | null
  /** It may be tried ahead of time now. */
  triable: boolean
}

export interface MailSummary {
  id: number
  messageId: string
  envelopeFrom: string
  envelopeTo: string[]
  subject: string
  receivedAt: string
}

export interface MailDetail extends MailSummary {
  html: string | null
  text: string | null
  headers: { name: string; value: string }[]
  attachments: { filename: string | null; contentType: string; bytes: number }[]
  source: string
}

export interface Template {
  id: number
  key: string | null
  name: string
  fromAddress: string | null
  replyTo: string | null
  subject: string
  preheader: string | null
  html: string
  text: string | null
  createdAt: string
  updatedAt: string
  /** What keeps its live mail from leaving, on account of the sender. */
  senderProblem: string | null
}

/** When a campaign's message is due after its trigger event. */
export type Wait =
  | { kind: 'immediately' }
  | { kind: 'after'; seconds: number }
  | { kind: 'after'; days: number }
  | {
      kind: 'until_property'
      of: 'event' | 'person'
      property: string
      offsetSeconds?: number
      ifMissing?: 'skip' | 'send_now'
      ifPast?: 'skip' | 'send_now'
    }
  | { kind: 'at_local_time'; time: string; days?: number; weekdays?: number[] }

export interface Campaign {
  id: number
  name: string
  state: CampaignState
  triggerEvent: string
  wait: Wait
  conditions: Condition | null
  frequency: { notAgainWithinDays: number } | null
  templateId: number
  consent: Consent
  createdAt: string
  updatedAt: string
}

/** Mail that could not be sent yet and is tried again by itself. */
export interface Retrying {
  count: number
  /** There are more than were counted. */
  more: boolean
  /** Of them, those that may be tried ahead of time now. */
  triable: number
  nextTryAt: string | null
  reasons: { reason: string; provider: string | null; count: number; nextTryAt: string }[]
}

export interface Counted {
  count: number
  /** There are more than were counted. */
  more: boolean
}

/** Mail that can't leave as the project is now, by what it waits for. */
export interface WaitingMail {
  /** What mail for real people waits for now; null: it leaves. */
  hindrance: 'live' | 'server' | null
  live: Counted
  server: Counted
}

/** How mail leaves after an SMTP server was changed or removed. */
export interface SendingNow {
  through: number | 'installation' | null
  waits: Counted
  others: { id: number; name: string }[]
}

/** Work other than mail. */
export interface RetryingJobs {
  count: number
  /** There are more than were kept. */
  more: boolean
  latest: {
    lane: string
    name: string
    id: string
    attempts: number
    reason: string
    triedAt: string
    nextTryAt: string
  }[]
}

export interface Provider {
  id: number
  kind: string
  name: string
  active: boolean
  limits: { perSecond?: number; connections?: number }
  config: {
    host: string
    port: number
    secure: boolean
    user?: string
    hasPassword: boolean
    startTls?: 'required' | 'opportunistic' | 'never'
    clientName?: string
    verifyCertificate?: boolean
  }
  updatedAt: string
  /** Of the settings that it has; null when they were not tried yet. */
  lastTest: { at: string; error: string | null } | null
  /** Null for one that is not used. */
  retrying?: Retrying | null
}

export interface SendingDomain {
  domain: string
  selector: string
  createdAt: string
  record: { name: string; type: string; value: string }
}

export interface LaneStatus {
  lane: string
  waiting: number
  /** 0 when nothing waits. */
  oldestAgeMs: number
}

/** A project's work in one lane of the queue. */
export interface ProjectLane extends LaneStatus {
  waitingBytes: number
  /** How long jobs waited that the answering process ran in the last minute. */
  timeInQueue: { jobs: number; p50Ms: number; p99Ms: number } | null
  lanePaused: boolean
  delayed: boolean
  /** 0 to 1. This and the next two are null for a project that is not among the 20 with most. */
  serviceShare: number | null
  inFlight: number | null
  perSecond: number | null
  /** Calls that wait for another server, and for how long one of them has. */
  waitingCalls: number
  longestCallMs: number
  drain: { state: 'empty' | 'paused' | 'unknown' | 'draining' | 'not_draining'; ms: number | null }
  quota: { used: number; state: 'open' | 'slowed' | 'full' } | null
  refused: number
  slowed: number
}

export interface ProjectQueue {
  paused: boolean
  limits: {
    weight: number
    maxInFlight: number | null
    rate: number | null
    maxJobs: number | null
    maxBytes: number | null
  }
  lanes: ProjectLane[]
  retrying: Retrying
  waiting: WaitingMail
  retryingJobs: RetryingJobs
  /** Null where workers run on other machines. */
  worker: { state: 'running' | 'restarting'; replaced: number } | null
  /** The process that answers. */
  api: { state: 'running' | 'restarting'; replaced: number } | null
}

/** A job that failed for good. */
export interface DeadLetter {
  ref: string
  /** The job's own id. */
  id: string
  lane: string
  name: string
  attempts: number
  reason: string
  diedAt: string
}

export interface DeadLetterDetail extends DeadLetter {
  data: Json
}

export interface Overview {
  series: { at: string; events: number; sent: number; kept: number; failed: number }[]
  totals: { people: number; events: number; sent: number; kept: number }
  messageStates: Record<CountedState, number>
  queue: LaneStatus[]
  retrying: Retrying
  waiting: WaitingMail
  attention: Attention[]
}

export interface Attention {
  kind:
    | 'messages_waiting'
    | 'messages_retrying'
    | 'messages_failed'
    | 'messages_unknown'
    | 'items_rejected'
    | 'jobs_retrying'
    | 'jobs_dead'
    | 'work_delayed'
    | 'work_paused'
    | 'sending_held'
    | 'events_not_stored_soon'
  /** One sentence. */
  title: string
  count: number
}

/** An accepted item that could not be processed, or of which its sender should know something. */
export interface Reject {
  id: number
  at: string
  reason: string
  /** False when it was processed all the same. */
  rejected: boolean
  item: Json
}

/** What a campaign's messages became. */
export interface CampaignReport {
  states: Partial<Record<CountedState, number>>
  reasons: { state: CountedState; reason: string; count: number }[]
}

import { shownName } from '../../audience/people/shown-name.ts'
import type { App } from '../../platform/app.ts'
import type { Reading } from '../../platform/capacity/expensive-reads.ts'
import { readCursor, timestampShape, uuidShape, writeCursor } from '../../platform/db/cursor.ts'
import { withTransaction } from '../../platform/db/transaction.ts'
import { conflict, notFound } from '../../platform/errors.ts'
import { isTriable, triableAt } from '../sending/retrying.ts'
import type { WaitsFor } from '../sending/waiting.ts'
import { type Consent, readConsent } from './consent.ts'
import { type Origins, originNames } from './origins.ts'
import { isLeft, sendAgainIn, sentUntil } from './send-again.ts'

export interface Message {
  id: string
  /** What made it, which of its own, and what that is called; null for one that is gone. */
  origin: string
  originId: number | null
  originName: string | null
  /** Under which it was made and may be sent; null: under none. */
  consent: Consent | null
  /** For callers of before: 'behavioral' of a campaign, whose number and name follow. */
  class: 'transactional' | 'behavioral'
  channel: string
  personId: number | null
  /** Null when they were erased, or are not stored yet. */
  person: { id: number; externalId: string | null; email: string | null; name: string | null } | null
  campaignId: number | null
  campaignName: string | null
  templateId: number | null
  templateName: string | null
  eventId: string | null
  state: string
  reason: string | null
  recipient: string | null
  /** When it is tried again; null for one that does not wait for that. */
  nextTryAt: Date | null
  /** Of a pending one that can't leave as the project is now: it has no next try, and leaves when that has changed. */
  waitsFor: WaitsFor | null
  subject: string | null
  attempts: number
  provider: string | null
  providerMessageId: string | null
  test: boolean
  dueAt: Date
  claimedAt: Date | null
  settledAt: Date | null
  createdAt: Date
}

export interface MessageDetail extends Message {
  /** What the caller said that recipients are called, by address. */
  recipientNames: Record<string, string>
  /** Reasons of the past, oldest first: failed attempts, doubts, decisions by hand. */
  history: { at: string; state: string; reason: string | null }[]
  /** Its mail in the sandbox mailbox. */
  mailboxId: number | null
  /** It may be tried ahead of time now. */
  triable: boolean
}

export interface MessageFilter {
  state?: string
  /** Only those that could not be sent yet and are tried again. */
  retrying?: boolean
  /** Only those that wait for the project to be live, or for an SMTP server. */
  waiting?: boolean
  /** Only those that went no further than the sandbox mailbox, or only others. */
  kept?: boolean
  origin?: string
  originId?: number
  consent?: string
  topic?: string
  class?: string
  person?: number
  campaign?: number
}

const columns = `m.id, m.origin, m.origin_id as "originId", m.consent, m.class, m.channel, m.person_id as "personId", m.campaign_id as "campaignId",
  m.template_id as "templateId", m.event_id as "eventId", m.state, m.reason, m.recipient, m.subject, m.attempts, m.provider,
  m.provider_message_id as "providerMessageId", m.test, m.due_at as "dueAt", m.next_try_at as "nextTryAt",
  case when m.state = 'pending' then m.waits_for end as "waitsFor",
  m.claimed_at as "claimedAt", m.settled_at as "settledAt", m.created_at as "createdAt",
  t.name as "templateName",
  case when p.id is not null then json_build_object('id', p.id, 'externalId', p.external_id, 'email', p.email,
    'name', ${shownName('p.properties')}) end as person`

/** What the columns name beside the message. */
const named = `left join people p on p.project_id = m.project_id and p.id = m.person_id
  left join templates t on t.project_id = m.project_id and t.id = m.template_id`

/** Newest first. `cursor` continues after the page that gave it. */
export async function listMessages(
  reading: Reading,
  origins: Origins,
  projectId: number,
  filter: MessageFilter,
  { limit, cursor }: { limit: number; cursor?: string },
): Promise<{ items: Message[]; nextCursor: string | null }> {
  const values: unknown[] = [projectId]
  const where = ['project_id = $1']
  const add = (condition: (place: string) => string, value: unknown) =>
    where.push(condition(`$${values.push(value)}`))
  if (filter.state) add((place) => `state = ${place}`, filter.state)
  if (filter.retrying) where.push('next_try_at is not null')
  if (filter.waiting) where.push(`state = 'pending' and waits_for is not null`)
  if (filter.kept !== undefined)
    where.push(`(state = 'sent' and provider = 'sandbox') is ${filter.kept ? 'true' : 'not true'}`)
  if (filter.origin) add((place) => `origin = ${place}`, filter.origin)
  if (filter.originId) add((place) => `origin_id = ${place}`, filter.originId)
  if (filter.consent) add((place) => `consent ->> 'kind' = ${place}`, filter.consent)
  if (filter.topic) add((place) => `consent ->> 'topic' = ${place}`, filter.topic)
  if (filter.class) add((place) => `class = ${place}`, filter.class)
  if (filter.person) add((place) => `person_id = ${place}`, filter.person)
  if (filter.campaign) add((place) => `origin = 'campaign' and origin_id = ${place}`, filter.campaign)
  if (cursor !== undefined) {
    const [at, id] = readCursor(cursor, timestampShape, uuidShape)
    add((place) => `(created_at, id) < (${place}::timestamptz, $${values.length + 1}::uuid)`, at)
    values.push(id)
  }
  // To the microsecond as text: a Date would cut the cursor to milliseconds and repeat rows.
  const { rows } = await reading.pool.query<Stored & { exactly: string }>(
    `select ${columns}, m.created_at::text as exactly
     from (select * from messages where ${where.join(' and ')}
           order by created_at desc, id desc limit $${values.push(limit + 1)}) as m ${named}
     order by m.created_at desc, m.id desc`,
    values,
  )
  const last = rows.length > limit ? rows[limit - 1] : undefined
  const messages = rows.slice(0, limit).map(({ exactly: _, ...message }) => message)
  return {
    items: await withNames(reading, origins, projectId, messages),
    nextCursor: last ? writeCursor(last.exactly, last.id) : null,
  }
}

/** As a row has it: what its origin is called is asked of the origin. */
type Stored = Omit<Message, 'consent' | 'originName' | 'campaignName'> & { consent: unknown }

async function withNames<Row extends Stored>(
  reading: Pick<Reading, 'pool'>,
  origins: Origins,
  projectId: number,
  rows: Row[],
) {
  const names = await originNames(reading, origins, projectId, rows)
  return rows.map((row) => {
    const originName = names.get(row.id) ?? null
    const campaignName = row.origin === 'campaign' ? originName : null
    return { ...row, originName, campaignName, consent: readConsent(row.consent) ?? null }
  })
}

/** @throws {ApiError} 404 */
export async function getMessage(
  app: App,
  origins: Origins,
  projectId: number,
  id: string,
): Promise<MessageDetail> {
  const { soon, lately } = triableAt(app.now())
  const { rows } = await app.pool.query<Stored & Omit<MessageDetail, keyof Message>>(
    `select ${columns}, coalesce(m.input -> 'recipientNames', '{}') as "recipientNames", m.history,
            (select b.id from mailbox b where b.project_id = $1 and b.message_id = m.id) as "mailboxId",
            coalesce(m.state = 'pending' and ${isTriable('$3', '$4')}, false) as triable
     from messages m ${named} where m.project_id = $1 and m.id = $2`,
    [projectId, id, soon, lately],
  )
  if (!rows[0]) throw notFound('Message')
  return (await withNames(app, origins, projectId, rows))[0]!
}

/** Puts a failed message back. @throws {ApiError} 404, 409 for a message that did not fail. */
export const retryMessage = (app: App, projectId: number, id: string): Promise<void> =>
  sendAgain(app, projectId, id, 'failed', 'tried again by hand')

/**
 * Settles a message in doubt by hand: it was `sent`, it has `failed`, or it shall be sent again (`resend`), which may
 * make it arrive twice. Whoever claimed it may still be sending it for as long as a send may take: until then it is left alone.
 *
 * @throws {ApiError} 404, 409 for a message that is not in doubt, or may just be being sent.
 */
export async function resolveMessage(
  app: App,
  projectId: number,
  id: string,
  state: 'sent' | 'failed' | 'resend',
): Promise<void> {
  if (state === 'resend') return sendAgain(app, projectId, id, 'unknown', 'sent again by hand')
  const { rowCount } = await app.pool.query(
    `update messages set state = $3, reason = $4, settled_at = $5, claim = null,
            history = history || jsonb_build_object('at', $5::timestamptz, 'state', $3::text, 'reason', $4::text)
     where project_id = $1 and id = $2 and state = 'unknown' and ${isLeft('$6')}`,
    [projectId, id, state, `marked as ${state} by hand`, app.now(), sentUntil(app)],
  )
  if (rowCount === 0) await explainState(app, projectId, id, 'unknown')
}

async function sendAgain(
  app: App,
  projectId: number,
  id: string,
  from: 'failed' | 'unknown',
  reason: string,
): Promise<void> {
  const changed = await withTransaction(app.pool, (client) =>
    sendAgainIn(app, client, projectId, [id], { from, reason }),
  )
  if (changed === 0) await explainState(app, projectId, id, from)
}

async function explainState(app: App, projectId: number, id: string, needed: string): Promise<never> {
  const { rows } = await app.pool.query<Pick<Message, 'state' | 'claimedAt'>>(
    'select state, claimed_at as "claimedAt" from messages where project_id = $1 and id = $2',
    [projectId, id],
  )
  if (!rows[0]) throw notFound('Message')
  const { state, claimedAt } = rows[0]
  if (state === 'unknown' && needed === 'unknown' && claimedAt) {
    const seconds = Math.ceil((claimedAt.getTime() - sentUntil(app).getTime()) / 1_000)
    throw conflict(`The message may just be being sent; try again in ${Math.max(1, seconds)} s`)
  }
  throw conflict(`The message is ${state}; this can only be done with one that is ${needed}`)
}

import { createHash } from 'node:crypto'
import type { Json } from '@fairway/queue'
import { isEmptyList } from '../../audience/items/fields.ts'
import { isNoId, noIdReason } from '../../audience/items/no-id.ts'
import type { PersonReference } from '../../audience/people/lookup.ts'
import { onOneLine, shortened } from '../../messaging/addresses/address-name.ts'
import { type Mailbox, readMailboxes } from '../../messaging/addresses/addresses.ts'
import { type Consent, maxReasonLength } from '../../messaging/messages/consent.ts'
import type { MessageInput } from '../../messaging/messages/input.ts'
import { requireHeaderName } from '../../messaging/templates/header-names.ts'
import { type SenderRules, sourceProblem } from '../../messaging/templates/sender.ts'
import type { TemplateError } from '../../messaging/templates/template-error.ts'
import { addressProblem, canonicalAddress } from '../../platform/email-address.ts'
import { badRequest, tooLarge } from '../../platform/errors.ts'

const maxRecipients = 15
const maxAttachmentBytes = 2 * 1024 * 1024
const maxDataBytes = 100 * 1024
const furthestDays = 90
const maxKeyLength = 255

/** A checked request of `POST /v1/send/email`. */
export interface SendRequest {
  /** Id or key of a template; undefined for a mail given in full. */
  template: string | undefined
  person: PersonReference | undefined
  consent: Consent
  input: MessageInput
  attachments: { filename: string; content: Buffer }[]
  /** Undefined: now. */
  sendAt: Date | undefined
  idempotencyKey: string | undefined
  /** Of all that was sent but the key. */
  fingerprint: Buffer
}

type Fields = Record<string, unknown>

/**
 * Reads Customer.io's request. Unknown fields are ignored, as Customer.io does.
 *
 * @throws {ApiError} 400 or 413 naming the field and the limit.
 */
export function readSendRequest(
  body: unknown,
  idempotencyHeader: string | undefined,
  now: Date,
  senders?: SenderRules,
): SendRequest {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw badRequest('The body must be a JSON object')
  const fields = body as Fields
  if (fields.queue_draft === true) {
    throw badRequest(
      'queue_draft is not available: messages are sent, or scheduled with send_at',
      'queue_draft',
    )
  }
  const template = readTemplate(fields)
  const person = readPerson(fields.identifiers)
  const named = readRecipients(fields, 'to')
  const to = named?.map(({ address }) => address)
  // Nobody sees them: they need no names.
  const bcc = readRecipients(fields, 'bcc')?.map(({ address }) => address)
  if (!to && !person)
    throw badRequest('to is missing: give an address, or identifiers of a person with one', 'to')
  if ((to?.length ?? 0) + (bcc?.length ?? 0) > maxRecipients) {
    throw badRequest(`A message may have ${maxRecipients} recipients, to and bcc together`, 'to')
  }
  const attachments = readAttachments(fields.attachments)
  return {
    template,
    person,
    consent: readConsent(fields),
    attachments,
    sendAt: readSendAt(fields.send_at, now),
    idempotencyKey: readKey(idempotencyHeader ?? fields.idempotency_key),
    fingerprint: fingerprintOf({ ...fields, idempotency_key: undefined }),
    input: {
      person,
      to,
      recipientNames: namesOf(named ?? []),
      bcc,
      data: readData(fields.message_data),
      mail: readMail(fields, senders),
      attachments: attachments.length || undefined,
      onlySubscribed: fields.send_to_unsubscribed === false || undefined,
      forget: fields.disable_message_retention === true || undefined,
    },
  }
}

/** Transactional, unless the law asks for it and the caller says why. */
function readConsent(fields: Fields): Consent {
  const { legal_reason: reason } = fields
  if (reason === undefined || reason === null) return { kind: 'transactional' }
  if (typeof reason !== 'string' || reason.trim() === '' || reason.length > maxReasonLength)
    throw badRequest(
      `legal_reason must say in 1 to ${maxReasonLength} characters why the law asks for this message`,
      'legal_reason',
    )
  if (fields.send_to_unsubscribed === false)
    throw badRequest(
      'legal_reason contradicts send_to_unsubscribed: false; leave one of them out',
      'legal_reason',
    )
  return { kind: 'legal', reason: onOneLine(reason) }
}

/** The same for the same members in whatever order. */
function fingerprintOf(fields: Fields): Buffer {
  const text = JSON.stringify(fields, (_name, value) =>
    typeof value === 'object' && value !== null && !Array.isArray(value) ? inOrder(value) : value,
  )
  return createHash('sha256').update(text).digest()
}

const inOrder = (fields: Fields) =>
  Object.fromEntries(Object.entries(fields).toSorted(([a], [b]) => (a < b ? -1 : 1)))

/** An empty list is PHP's empty object. */
const isAbsent = (value: unknown): value is undefined | null | [] =>
  value === undefined || value === null || isEmptyList(value)

function readTemplate(fields: Fields): string | undefined {
  const id = fields.transactional_message_id
  if ((typeof id === 'number' && Number.isSafeInteger(id)) || (typeof id === 'string' && id !== ''))
    return String(id)
  if (id !== undefined && id !== null) {
    throw badRequest(
      'transactional_message_id must be the id or the key of a template',
      'transactional_message_id',
    )
  }
  for (const field of ['from', 'subject', 'body']) {
    if (!fields[field])
      throw badRequest(`${field} is missing: it is required without transactional_message_id`, field)
  }
  return undefined
}

function readPerson(identifiers: unknown): PersonReference | undefined {
  if (isAbsent(identifiers)) return undefined
  if (typeof identifiers !== 'object')
    throw badRequest('identifiers must be an object with id, email or cio_id', 'identifiers')
  const { id, email, cio_id: internal } = identifiers as Fields
  if ((typeof id === 'string' && id !== '') || typeof id === 'number') {
    if (isNoId(String(id))) throw badRequest(`identifiers.id ${noIdReason(String(id))}`, 'identifiers.id')
    return { id: String(id) }
  }
  if (typeof email === 'string' && email !== '') {
    const problem = addressProblem(email)
    if (problem !== undefined) throw badRequest(`identifiers.email ${problem}`, 'identifiers.email')
    return { email: canonicalAddress(email) }
  }
  if (/^\d{1,15}$/.test(String(internal ?? ''))) return { internalId: Number(internal) }
  throw badRequest('identifiers must have an id, an email or a cio_id', 'identifiers')
}

function readRecipients(fields: Fields, name: 'to' | 'bcc'): Mailbox[] | undefined {
  const value = fields[name]
  if (value === undefined || value === null || value === '') return undefined
  if (typeof value !== 'string')
    throw badRequest(`${name} must be text: one or more addresses, separated by commas`, name)
  const read = readMailboxes(value)
  if ('problem' in read)
    throw badRequest(`${name} must be valid addresses, separated by commas; ${read.problem}`, name)
  return read.mailboxes
}

/** Shortened rather than refused: a mail must not stay behind for a name. */
function namesOf(mailboxes: Mailbox[]): Record<string, string> | undefined {
  const names = mailboxes
    .map(({ address, name }) => [address, shortened(onOneLine(name))] as const)
    .filter(([, name]) => name !== '')
  return names.length > 0 ? Object.fromEntries(names) : undefined
}

function readMail(fields: Fields, rules: SenderRules | undefined): MessageInput['mail'] {
  const from = readText(fields, 'from')
  const replyTo = readText(fields, 'reply_to')
  const problem = sourceProblem('from', from ?? '', rules)
  if (problem !== undefined) throw badRequest(problem, 'from')
  const replyProblem = sourceProblem('reply_to', replyTo ?? '', rules)
  if (replyProblem !== undefined) throw badRequest(replyProblem, 'reply_to')
  return {
    from,
    replyTo,
    subject: readText(fields, 'subject'),
    preheader: readText(fields, 'preheader'),
    html: readText(fields, 'body'),
    text: readText(fields, 'body_plain'),
    headers: readHeaders(fields.headers),
  }
}

function readText(fields: Fields, name: string): string | undefined {
  const value = fields[name]
  if (value === undefined || value === null || value === '') return undefined
  if (typeof value !== 'string') throw badRequest(`${name} must be text`, name)
  return value
}

function readHeaders(value: unknown): Record<string, string> | undefined {
  if (isAbsent(value)) return undefined
  if (typeof value !== 'object' || Array.isArray(value))
    throw badRequest('headers must be an object of names and values', 'headers')
  const headers: Record<string, string> = {}
  for (const [name, content] of Object.entries(value)) {
    try {
      requireHeaderName(name)
    } catch (error) {
      throw badRequest((error as TemplateError).message, `headers.${name}`)
    }
    if (typeof content === 'object') throw badRequest(`headers.${name} must be text`, `headers.${name}`)
    headers[name] = String(content)
  }
  return headers
}

function readData(value: unknown): Record<string, Json> | undefined {
  if (isAbsent(value)) return undefined
  if (typeof value !== 'object' || Array.isArray(value))
    throw badRequest('message_data must be an object', 'message_data')
  if (Buffer.byteLength(JSON.stringify(value)) > maxDataBytes) {
    throw tooLarge(`message_data may have ${maxDataBytes / 1024} KB`, 'message_data')
  }
  return value as Record<string, Json>
}

function readAttachments(value: unknown): { filename: string; content: Buffer }[] {
  if (isAbsent(value)) return []
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw badRequest('attachments must be an object of file names and base64 content', 'attachments')
  }
  const attachments = Object.entries(value).map(([filename, content]) => {
    if (typeof content !== 'string' || !/^[A-Za-z0-9+/_-]*={0,2}$/.test(content.replace(/\s+/g, ''))) {
      throw badRequest(`attachments.${filename} must be base64`, `attachments.${filename}`)
    }
    return { filename, content: Buffer.from(content, 'base64') }
  })
  const bytes = attachments.reduce((sum, { content }) => sum + content.length, 0)
  if (bytes > maxAttachmentBytes) throw tooLarge('attachments may have 2 MB together', 'attachments')
  return attachments
}

function readSendAt(value: unknown, now: Date): Date | undefined {
  if (value === undefined || value === null) return undefined
  const seconds = Number(value)
  if (!Number.isFinite(seconds) || typeof value === 'boolean')
    throw badRequest('send_at must be Unix seconds', 'send_at')
  const wait = seconds * 1000 - now.getTime()
  if (wait > furthestDays * 86_400_000) {
    throw badRequest(
      `send_at may be at most ${furthestDays} days from now, in Unix seconds (not milliseconds)`,
      'send_at',
    )
  }
  return wait > 0 ? new Date(seconds * 1000) : undefined
}

function readKey(value: unknown): string | undefined {
  if (value === undefined || value === null || value === '') return undefined
  if (typeof value !== 'string' || value.length > maxKeyLength || !/^[\x20-\x7e]+$/.test(value)) {
    throw badRequest(
      `The idempotency key must be at most ${maxKeyLength} printable ASCII characters`,
      'idempotency_key',
    )
  }
  return value
}

import { createHash } from 'node:crypto'
import type { Transaction } from '@fairway/queue'
import type { Consent } from './consent.ts'
import type { MessageInput } from './input.ts'
import { storableJson } from './storable.ts'

export interface NewMessage {
  /** Unique in its project: `behavioral:<campaign>:<event id>`, `transactional:<idempotency key>`. */
  cause: string
  /** What makes it: a name of `origins.ts`, and which of its own. */
  origin: string
  originId?: number | null
  consent: Consent
  channel?: string
  personId?: number | null
  templateId?: number | null
  eventId?: string | null
  eventAt?: Date | null
  recipient?: string | null
  input?: MessageInput
  /** Whatever the project's mode: to the test address or the sandbox mailbox. */
  test?: boolean
  /** When it is to leave. Default: now. */
  dueAt?: Date
  /** Tells requests with one idempotency key apart. */
  requestFingerprint?: Buffer
}

/** The id that a cause always leads to, so that a redelivered job makes the same message and not a second one. */
export function messageIdOf(projectId: number, cause: string): string {
  const hex = createHash('sha256').update(`message\0${projectId}\0${cause}`).digest('hex')
  const variant = ((Number.parseInt(hex[16]!, 16) & 0x3) | 0x8).toString(16)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

/**
 * Writes `pending` messages in one statement, in the caller's transaction. A message whose cause exists already is
 * left as it is.
 *
 * @returns the ones that are new, which need a `deliver` job `{messageId}`.
 */
export async function insertMessages(
  client: Transaction,
  projectId: number,
  messages: NewMessage[],
): Promise<{ id: string; cause: string }[]> {
  if (messages.length === 0) return []
  const column = <T>(read: (message: NewMessage) => T) => messages.map(read)
  const { rows } = await client.query(
    // The class is what a server of the version before knows origins by; the campaign has indexes of its own.
    `insert into messages (project_id, id, cause, origin, origin_id, consent, class, campaign_id, channel, person_id, template_id,
                           event_id, event_at, recipient, input, test, due_at, request_fingerprint, live)
     select $1, m.id, m.cause, m.origin, m.origin_id, m.consent,
            case when m.origin in ('api', 'test') then 'transactional' else 'behavioral' end,
            case when m.origin = 'campaign' then m.origin_id end, m.channel, m.person_id, m.template_id,
            m.event_id, m.event_at, m.recipient, m.input, m.test, coalesce(m.due_at, now()), m.request_fingerprint,
            (select mode = 'live' from projects where id = $1)
     from unnest($2::uuid[], $3::text[], $4::text[], $5::int[], $6::jsonb[], $7::text[], $8::bigint[], $9::int[], $10::uuid[],
                 $11::timestamptz[], $12::text[], $13::jsonb[], $14::bool[], $15::timestamptz[], $16::bytea[])
       as m (id, cause, origin, origin_id, consent, channel, person_id, template_id, event_id, event_at, recipient, input, test,
             due_at, request_fingerprint)
     on conflict do nothing
     returning id, cause`,
    [
      projectId,
      column((m) => messageIdOf(projectId, m.cause)),
      column((m) => m.cause),
      column((m) => m.origin),
      column((m) => m.originId ?? null),
      column((m) => storableJson(m.consent)),
      column((m) => m.channel ?? 'email'),
      column((m) => m.personId ?? null),
      column((m) => m.templateId ?? null),
      column((m) => m.eventId ?? null),
      column((m) => m.eventAt ?? null),
      column((m) => m.recipient ?? null),
      column((m) => storableJson(m.input ?? {})),
      column((m) => m.test ?? false),
      column((m) => m.dueAt ?? null),
      column((m) => m.requestFingerprint ?? null),
    ],
  )
  return rows as { id: string; cause: string }[]
}

import { addressKeySql } from '../../audience/people/address-sql.ts'
import { findPersonIds, loadPeople, type Recipient } from '../../audience/people/lookup.ts'
import type { App } from '../../platform/app.ts'
import { addressKey } from '../../platform/email-address.ts'
import { type Consent, readConsent } from './consent.ts'
import type { MessageInput } from './input.ts'

/** A row of `providers`, its settings still encrypted. */
export interface ProviderRow {
  id: number
  kind: string
  config: Buffer
  limits: Partial<{ perSecond: number; connections: number }>
}

/** A message with all that deciding about it and rendering it needs. */
export interface LoadedMessage {
  id: string
  channel: string
  /** What made it; `origins.ts` lists them. */
  origin: string | null
  originId: number | null
  /** Under which it was made; undefined: it is not to be sent. */
  consent: Consent | undefined
  state: string
  claim: string | null
  attempts: number
  /** Which of its jobs is the one that does the work. */
  turn: number
  nextTryAt: Date | null
  dueAt: Date
  test: boolean
  /** Made while the project was live. */
  live: boolean
  personId: number | null
  templateId: number | null
  eventId: string | null
  eventAt: Date | null
  input: MessageInput
  createdAt: Date
  person: Recipient | undefined
}

export interface TemplateRow {
  id: number
  name: string
  from_address: string | null
  reply_to: string | null
  subject: string
  preheader: string | null
  html: string
  text: string | null
  headers: Record<string, string>
}

export interface SendingDomain {
  domain: string
  selector: string
  private_key: Buffer
}

/** How a project sends. */
export interface Sending {
  projectName: string
  mode: 'test' | 'live'
  testAddress: string | null
  provider: ProviderRow | null
  /** It has a provider, or the installation has one for all. */
  hasServer: boolean
  domains: SendingDomain[]
}

type MessageRow = Omit<LoadedMessage, 'person' | 'consent'> & { consent: unknown }

/** In the order of `ids`, which is the order of the jobs. */
export async function loadMessages(app: App, projectId: number, ids: string[]): Promise<LoadedMessage[]> {
  const { rows } = await app.pool.query<MessageRow>(
    `select id, channel, origin, origin_id as "originId", consent, state, claim, attempts, turn, test, live, next_try_at as "nextTryAt",
            due_at as "dueAt", person_id as "personId", template_id as "templateId", event_id as "eventId", event_at as "eventAt",
            input, created_at as "createdAt"
     from messages where project_id = $1 and id = any($2::uuid[])`,
    [projectId, ids],
  )
  const position = new Map(ids.map((id, index) => [id, index]))
  rows.sort((a, b) => position.get(a.id)! - position.get(b.id)!)
  await findLatePeople(app, projectId, rows)
  const people = await loadPeople(app.pool, projectId, [
    ...new Set(rows.flatMap((row) => row.personId ?? [])),
  ])
  return rows.map((message) => ({
    ...message,
    consent: readConsent(message.consent),
    person: people.get(message.personId ?? -1),
  }))
}

/** A caller may name somebody in the moment before the person is stored: looked up again when the mail leaves. */
async function findLatePeople(app: App, projectId: number, messages: MessageRow[]): Promise<void> {
  const late = messages.filter((message) => message.personId === null && message.input.person)
  if (late.length === 0) return
  const references = late.map((message) => message.input.person!)
  const ids = await findPersonIds(app.pool, projectId, references)
  for (const [index, message] of late.entries()) message.personId = ids[index] ?? null
}

/**
 * How a project sends by a channel; `installation`: whether the operator gave all projects a provider of it. Undefined when the project is
 * gone.
 */
export async function loadSending(
  app: App,
  projectId: number,
  { channel, installation }: { channel: string; installation: boolean },
): Promise<Sending | undefined> {
  const [project, domains] = await Promise.all([
    app.pool.query<{
      name: string
      mode: 'test' | 'live'
      test_address: string | null
      provider_id: number | null
      kind: string
      config: Buffer
      limits: ProviderRow['limits']
    }>(
      `select p.name, p.mode, p.test_address, v.id as provider_id, v.kind, v.config, v.limits
       from projects p
       left join lateral (
         select id, kind, config, limits from providers
         where project_id = p.id and channel = $2 and active order by id desc limit 1
       ) v on true
       where p.id = $1 and p.deleted_at is null`,
      [projectId, channel],
    ),
    app.pool.query<SendingDomain>(
      'select domain, selector, private_key from sending_domains where project_id = $1',
      [projectId],
    ),
  ])
  const row = project.rows[0]
  if (!row) return undefined
  const { provider_id: id, kind, config, limits } = row
  return {
    projectName: row.name,
    mode: row.mode,
    testAddress: row.test_address,
    provider: id === null ? null : { id, kind, config, limits },
    hasServer: id !== null || installation,
    domains: domains.rows,
  }
}

export async function loadTemplates(
  app: App,
  projectId: number,
  ids: number[],
): Promise<Map<number, TemplateRow>> {
  if (ids.length === 0) return new Map()
  const { rows } = await app.pool.query<TemplateRow>(
    `select id, name, from_address, reply_to, subject, preheader, html, text, headers
     from templates where project_id = $1 and id = any($2::int[])`,
    [projectId, ids],
  )
  return new Map(rows.map((row) => [row.id, row]))
}

/** The keys of those of these addresses that must not be sent to. */
export async function loadSuppressed(app: App, projectId: number, addresses: string[]): Promise<Set<string>> {
  if (addresses.length === 0) return new Set()
  const { rows } = await app.pool.query<{ address: string }>(
    'select address from suppressions where project_id = $1 and address = any($2::text[])',
    [projectId, [...new Set(addresses.map(addressKey))]],
  )
  return new Set(rows.map((row) => row.address))
}

/** Who holds an address, asked about all marketing (null) or one topic. */
export interface OptOutQuestion {
  address: string
  topic: string | null
}

/** One answer of {@link loadOptedOut}. */
export const optOutKey = ({ address, topic }: OptOutQuestion): string =>
  topic === null ? addressKey(address) : `${addressKey(address)} ${topic}`

/**
 * Those of these questions whose answer is no: somebody who holds the address is opted out, or, where nobody does, they
 * were opted out by the address alone.
 */
export async function loadOptedOut(
  app: App,
  projectId: number,
  questions: OptOutQuestion[],
): Promise<Set<string>> {
  const asked = new Map(questions.map((question) => [optOutKey(question), question]))
  if (asked.size === 0) return new Set()
  const { rows } = await app.pool.query<OptOutQuestion>(
    // Without `offset 0`, PostgreSQL might go through everybody.
    `select r.address, r.topic from unnest($2::text[], $3::text[]) as r (address, topic) cross join lateral (
       select bool_or(case when r.topic is null then not subscribed
                      else coalesce(topics -> r.topic = 'false', false) end) as out from (
         select subscribed, topics from people where project_id = $1 and ${addressKeySql('people')} = r.address offset 0) as p) as h
     where coalesce(h.out, exists (
       select from address_consents c
       where c.project_id = $1 and c.address = r.address and c.register = coalesce('$topic:' || r.topic, '$subscribed')
         and not c.value))`,
    [
      projectId,
      [...asked.values()].map(({ address }) => addressKey(address)),
      [...asked.values()].map(({ topic }) => topic),
    ],
  )
  return new Set(rows.map(optOutKey))
}

export async function loadAttachments(
  app: App,
  projectId: number,
  ids: string[],
): Promise<Map<string, { filename: string; content: Buffer }[]>> {
  const attachments = new Map<string, { filename: string; content: Buffer }[]>()
  if (ids.length === 0) return attachments
  const { rows } = await app.pool.query<{ message_id: string; filename: string; content: Buffer }>(
    `select message_id, filename, content from attachments
     where project_id = $1 and message_id = any($2::uuid[]) order by message_id, position`,
    [projectId, ids],
  )
  for (const { message_id: id, filename, content } of rows) {
    attachments.set(id, [...(attachments.get(id) ?? []), { filename, content }])
  }
  return attachments
}

import { randomUUID } from 'node:crypto'
import { type BatchContext, type Job, Snooze } from '@fairway/queue'
import type { SmtpSettings } from '../../../src/messaging/channels/email/smtp.ts'
import { sealSettings } from '../../../src/messaging/channels/email/smtp-provider.ts'
import type { ProviderLimits } from '../../../src/messaging/channels/gateway.ts'
import type { Channels } from '../../../src/messaging/channels/list.ts'
import { deliverMessages } from '../../../src/messaging/delivery/deliver.ts'
import { insertMessages, type NewMessage } from '../../../src/messaging/messages/create.ts'
import type { DeliverData } from '../../../src/messaging/messages/deliver-job.ts'
import type { Gate, Origin } from '../../../src/messaging/messages/origins.ts'
import type { App } from '../../../src/platform/app.ts'

/** What a message of a campaign says of itself. */
export const ofCampaign = { origin: 'campaign', consent: { kind: 'marketing' } } as const

/** What a handler call settled in other ways than by acknowledging. */
export interface Settled {
  snoozed: Map<string, number>
  buried: Map<string, unknown>
}

export const jobFor = (
  projectId: number,
  messageId: string,
  attempt = 1,
  turn = 0,
  backTo?: number,
): Job<DeliverData> => ({
  id: randomUUID(),
  lane: 'transactional',
  tenant: String(projectId),
  name: 'deliver',
  data: { messageId, turn, ...(backTo && { backTo }) },
  attempt,
  readyAt: Date.now(),
  firstAt: Date.now(),
})

/** What a worker hands a handler, and what the handler does with it. */
export function contextOf(signal = new AbortController().signal): {
  context: BatchContext
  settled: Settled
} {
  const settled: Settled = { snoozed: new Map(), buried: new Map() }
  const idOf = (job: Job) => (job.data as { messageId: string }).messageId
  const context: BatchContext = {
    signal,
    retry: () => {
      throw new Error('deliver decides about its own retries')
    },
    snooze: (job, delayMs) => settled.snoozed.set(idOf(job), delayMs),
    bury: (job, reason) => settled.buried.set(idOf(job), reason),
    progress: () => {},
    rateLimited: (ms) => new Snooze(ms),
    waitFor: (work) => work(),
    together: (parts) => Promise.all(parts.map((part) => part())),
  }
  return { context, settled }
}

/** Calls the handler as a worker would with the messages' own jobs; the settlements are keyed by message id. */
export async function deliver(
  app: App,
  projectId: number,
  ids: string[],
  options: {
    gate?: Gate
    consents?: Origin['consents']
    signal?: AbortSignal
    turn?: number
    backTo?: Date
    channels?: Channels
  } = {},
): Promise<Settled> {
  const { context, settled } = contextOf(options.signal)
  const { rows } = await app.pool.query<{ id: string; turn: number }>(
    'select id, turn from messages where project_id = $1 and id::text = any($2::text[])',
    [projectId, ids],
  )
  const turns = new Map(rows.map(({ id, turn }) => [id, turn]))
  const jobs = ids.map((id) =>
    jobFor(projectId, id, 1, options.turn ?? turns.get(id), options.backTo?.getTime()),
  )
  const campaign = { gate: options.gate, consents: options.consents }
  await deliverMessages(app, { campaign, api: {}, test: {} }, options.channels)(jobs, context)
  return settled
}

export async function addMessages(
  app: App,
  projectId: number,
  messages: Partial<NewMessage>[],
): Promise<string[]> {
  const rows = await insertMessages(
    app.pool,
    projectId,
    messages.map((message) => ({
      cause: `test:${randomUUID()}`,
      origin: 'api',
      consent: { kind: 'transactional' },
      ...message,
    })),
  )
  return rows.map((row) => row.id)
}

export const plainMail = (overrides: Record<string, unknown> = {}) => ({
  from: 'Shop <hello@shop.example>',
  subject: 'Hello',
  html: '<p>Hello</p>',
  ...overrides,
})

export async function addPerson(
  app: App,
  projectId: number,
  person: { id?: string; email?: string | null; properties?: object; subscribed?: boolean },
): Promise<number> {
  const { rows } = await app.pool.query<{ id: number }>(
    `insert into people (project_id, external_id, email, properties, subscribed) values ($1, $2, $3, $4, $5) returning id`,
    [
      projectId,
      person.id ?? randomUUID(),
      person.email ?? null,
      JSON.stringify(person.properties ?? {}),
      person.subscribed ?? true,
    ],
  )
  return rows[0]!.id
}

export async function addTemplate(
  app: App,
  projectId: number,
  template: Record<string, string | null> = {},
): Promise<number> {
  const t: Record<string, string | null> = {
    from_address: 'Shop <hello@shop.example>',
    subject: 'Hi',
    html: '<p>Hi</p>',
    text: null,
    ...template,
  }
  const { rows } = await app.pool.query<{ id: number }>(
    `insert into templates (project_id, key, name, from_address, subject, html, text)
     values ($1, $2, 'T', $3, $4, $5, $6) returning id`,
    [projectId, t.key ?? null, t.from_address, t.subject, t.html, t.text],
  )
  return rows[0]!.id
}

/** Makes the project live, sending through this port. */
export async function sendThrough(
  app: App,
  projectId: number,
  port: number,
  options: { limits?: Partial<ProviderLimits>; settings?: Partial<SmtpSettings> } = {},
): Promise<void> {
  await app.pool.query(`update projects set mode = 'live' where id = $1`, [projectId])
  await app.pool.query('update providers set active = false where project_id = $1', [projectId])
  const settings: SmtpSettings = { host: '127.0.0.1', port, secure: false, ...options.settings }
  await app.pool.query(
    `insert into providers (project_id, kind, config, limits) values ($1, 'smtp', $2, $3)`,
    [projectId, sealSettings(app, settings), JSON.stringify({ connections: 4, ...options.limits })],
  )
}

export interface MessageState {
  state: string
  reason: string | null
  attempts: number
}

export async function stateOf(app: App, projectId: number, id: string): Promise<MessageState> {
  const { rows } = await app.pool.query<MessageState>(
    'select state, reason, attempts from messages where project_id = $1 and id = $2',
    [projectId, id],
  )
  return rows[0]!
}

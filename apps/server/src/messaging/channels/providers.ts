import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { Pool, PoolClient } from 'pg'
import { noteSendingChanged } from '../../accounts/projects.ts'
import type { App } from '../../platform/app.ts'
import { withTransaction } from '../../platform/db/transaction.ts'
import { addressProblem, canonicalAddress, domainOf } from '../../platform/email-address.ts'
import { ApiError, invalidField, notFound } from '../../platform/errors.ts'
import { isInternalLiteral } from '../../platform/net/connections.ts'
import { nextUpdatedAt, requireUnchanged } from '../../platform/read-at.ts'
import { parseMailboxes } from '../addresses/addresses.ts'
import { type Retrying, readRetrying } from '../sending/retrying.ts'
import { rendererOf } from '../templates/renderer.ts'
import { senderRules, sourceProblem } from '../templates/sender.ts'
import { resultOf } from '../templates/templates.ts'
import { openChannel, openSettings, sealSettings } from './channels.ts'
import { defaultLimits, type ProviderLimits, type SmtpSettings } from './smtp.ts'
import { writeMessage } from './work.ts'

/** A provider without its password, which is never shown again. */
export interface Provider {
  id: number
  kind: 'smtp'
  name: string
  active: boolean
  limits: ProviderLimits
  config: Omit<SmtpSettings, 'password'> & { hasPassword: boolean }
  createdAt: Date
  updatedAt: Date
  /** Of the settings that it has; null when they were not tried yet. */
  lastTest: { at: Date; error: string | null } | null
}

export interface ListedProvider extends Provider {
  /** What could not be sent through it yet; null for one that is not used. */
  retrying: Retrying | null
}

export interface ProviderInput {
  name?: string
  config?: SmtpSettings
  limits?: Partial<ProviderLimits>
  active?: boolean
}

interface Row {
  id: number
  kind: 'smtp'
  name: string
  active: boolean
  limits: Partial<ProviderLimits>
  config: Buffer
  created_at: Date
  updated_at: Date
  tested_at: Date | null
  test_error: string | null
}

const columns = 'id, kind, name, active, limits, config, created_at, updated_at, tested_at, test_error'

/** Newest first; mail leaves through the newest active one. */
export async function listProviders(app: App, projectId: number): Promise<ListedProvider[]> {
  const { rows } = await app.pool.query<Row>(
    `select ${columns} from providers where project_id = $1 and channel = 'email' order by id desc limit 100`,
    [projectId],
  )
  return Promise.all(
    rows.map(async (row) => ({
      ...describe(app, row),
      retrying: row.active
        ? await readRetrying(app, projectId, { now: app.now(), provider: `provider ${row.id}` })
        : null,
    })),
  )
}

/**
 * Is used at once where no other is, unless told otherwise.
 *
 * @throws {ApiError} 422
 */
export async function createProvider(
  app: App,
  projectId: number,
  input: ProviderInput & { config: SmtpSettings },
): Promise<Provider> {
  checkHost(app, input.config)
  return withTransaction(app.pool, async (client) => {
    const used = await lockUsed(client, projectId)
    const active = input.active ?? used === undefined
    if (active) await retire(client, projectId)
    const { rows } = await client.query<Row>(
      `insert into providers (project_id, kind, name, config, limits, active, created_at, updated_at)
       values ($1, 'smtp', $2, $3, $4, $5, $6, $6) returning ${columns}`,
      [
        projectId,
        input.name ?? '',
        sealSettings(app, input.config),
        JSON.stringify(input.limits ?? {}),
        active,
        app.now(),
      ],
    )
    if (active) await noteSendingChanged(client, projectId)
    return describe(app, rows[0]!)
  })
}

/** The id of the provider that is used. Whoever changes that waits for others who do. */
async function lockUsed(client: PoolClient, projectId: number): Promise<number | undefined> {
  await client.query('select from projects where id = $1 for no key update', [projectId])
  const { rows } = await client.query<{ id: number }>(
    `select id from providers where project_id = $1 and channel = 'email' and active order by id desc limit 1`,
    [projectId],
  )
  return rows[0]?.id
}

const retire = (client: PoolClient, projectId: number) =>
  client.query(`update providers set active = false where project_id = $1 and channel = 'email'`, [projectId])

/**
 * A config without a password keeps the one that is stored.
 *
 * @param readAt see {@link requireUnchanged}
 * @throws {ApiError} 404, 409, 422
 */
export async function updateProvider(
  app: App,
  projectId: number,
  id: number,
  input: ProviderInput,
  readAt?: string,
): Promise<Provider> {
  return withTransaction(app.pool, async (client) => {
    await lockUsed(client, projectId)
    const row = await readProvider(client, projectId, id, 'for update')
    requireUnchanged('SMTP server', readAt, row.updated_at)
    const before = openSettings(app, row.config)
    const config = input.config ? withPassword(input.config, before) : before
    checkHost(app, config)
    if (input.active) await retire(client, projectId)
    const { rows } = await client.query<Row>(
      `update providers set name = $3, config = $4, limits = $5, active = $6, updated_at = $7,
         tested_at = case when $8 then null else tested_at end, test_error = case when $8 then null else test_error end
       where project_id = $1 and id = $2
       returning ${columns}`,
      [
        projectId,
        id,
        input.name ?? row.name,
        input.config ? sealSettings(app, config) : row.config,
        JSON.stringify(input.limits ?? row.limits),
        input.active ?? row.active,
        nextUpdatedAt(app.now(), row.updated_at),
        !isDeepStrictEqual(config, before),
      ],
    )
    const [after] = rows
    if (!after) throw notFound('Provider')
    const isOther = !isDeepStrictEqual(config, before) || !isDeepStrictEqual(after.limits, row.limits)
    if (after.active !== row.active || (after.active && isOther)) await noteSendingChanged(client, projectId)
    return describe(app, after)
  })
}

/** The stored password only ever goes to the server and user that it was given for. */
function withPassword(config: SmtpSettings, before: SmtpSettings): SmtpSettings {
  if (config.password !== undefined || before.password === undefined || !config.user) return config
  if (config.host !== before.host || config.port !== before.port || config.user !== before.user) {
    throw invalidField(
      'config.password',
      'config.password is needed again when the host, port or user changes',
    )
  }
  return { ...config, password: before.password }
}

/** @throws {ApiError} 404 */
export async function deleteProvider(app: App, projectId: number, id: number): Promise<void> {
  await withTransaction(app.pool, async (client) => {
    const used = await lockUsed(client, projectId)
    const { rowCount } = await client.query('delete from providers where project_id = $1 and id = $2', [
      projectId,
      id,
    ])
    if (rowCount === 0) throw notFound('Provider')
    if (used === id) await noteSendingChanged(client, projectId)
  })
}

const testTimeouts = { connectMs: 10_000, replyMs: 20_000, messageMs: 20_000 }

function readAddress(field: string, text: string): string {
  const problem = addressProblem(text)
  if (problem !== undefined) throw invalidField(field, problem)
  return canonicalAddress(text)!
}

/**
 * Connects, upgrades to TLS and logs in; with an address, sends a mail there as well. What became of it is kept.
 *
 * @throws {ApiError} 404, and 422 with what the server said.
 */
export async function testProvider(
  app: App,
  projectId: number,
  id: number,
  mail?: { to: string; from?: string },
): Promise<void> {
  const row = await readProvider(app.pool, projectId, id)
  try {
    await tryOut(app, projectId, openSettings(app, row.config), mail)
  } catch (error) {
    if (error instanceof ApiError) throw error
    const reason = (error as Error).message
    await recordTest(app, projectId, row, reason)
    throw new ApiError(422, 'provider_failed', `The server can't be used: ${reason}`)
  }
  await recordTest(app, projectId, row, null)
}

const maxReasonLength = 1_000

/** Settings that were changed meanwhile were not tried. */
async function recordTest(app: App, projectId: number, { id, config }: Row, error: string | null) {
  await app.pool.query(
    'update providers set tested_at = $4, test_error = $5 where project_id = $1 and id = $2 and config = $3',
    [projectId, id, config, app.now(), error?.replaceAll('\0', '').slice(0, maxReasonLength) ?? null],
  )
}

async function tryOut(
  app: App,
  projectId: number,
  settings: SmtpSettings,
  mail: { to: string; from?: string } | undefined,
): Promise<void> {
  const channel = openChannel(app, settings, { perSecond: 0, connections: 1 }, testTimeouts)
  try {
    if (!mail)
      return await channel.probe((await usualSender(app, projectId)) ?? canonicalAddress(settings.user ?? ''))
    const to = readAddress('to', mail.to)
    const from = mail.from ? readAddress('from', mail.from) : ((await usualSender(app, projectId)) ?? to)
    const [end] = await rendererOf(app).run(writeMessage, projectId, null, [
      {
        messageId: `<${randomUUID()}@${domainOf(from)}>`,
        from: { name: '', address: from },
        to: [{ name: '', address: to }],
        subject: 'Fairway can send through this server',
        html: '<p>This mail was sent by the connection test of Fairway. Nothing has to be done.</p>',
        text: 'This mail was sent by the connection test of Fairway. Nothing has to be done.',
        headers: {},
        attachments: [],
        date: app.now(),
      },
    ])
    const result = await channel.send({
      envelope: { from, to: [to] },
      source: resultOf(end!),
    })
    if (result.outcome !== 'sent') throw new Error(result.reason)
  } finally {
    channel.close()
  }
}

/** Of the newest template with a sender that is written out: a server may refuse to send for anybody else. */
async function usualSender(app: App, projectId: number): Promise<string | undefined> {
  const { rows } = await app.pool.query<{ from: string }>(
    `select from_address as "from" from templates
     where project_id = $1 and from_address <> '' and from_address not like '%{%' order by id desc limit 20`,
    [projectId],
  )
  const sources = rows.map(({ from }) => from)
  return sources
    .filter((from) => sourceProblem('from', from, senderRules(app.config)) === undefined)
    .flatMap((from) => parseMailboxes(from) ?? [])[0]?.address
}

async function readProvider(
  client: Pool | PoolClient,
  projectId: number,
  id: number,
  lock = '',
): Promise<Row> {
  const { rows } = await client.query<Row>(
    `select ${columns} from providers where project_id = $1 and id = $2 and channel = 'email' ${lock}`,
    [projectId, id],
  )
  if (!rows[0]) throw notFound('Provider')
  return rows[0]
}

/** A first, friendly no; names are checked again at every connection. */
function checkHost(app: App, { host }: SmtpSettings): void {
  if (!/^[A-Za-z0-9.:[\]_-]+$/.test(host)) {
    throw invalidField(
      'config.host',
      'config.host must be only the host name, such as smtp.example.com, without https:// and without a path',
    )
  }
  if (/^[^:]*:\d+$/.test(host)) {
    throw invalidField(
      'config.host',
      'config.host must be only the host name, such as smtp.example.com; the port is config.port',
    )
  }
  if (!app.config.allowPrivateNetworks && isInternalLiteral(host)) {
    throw invalidField(
      'config.host',
      'config.host is an internal address; the operator can allow these with FAIRWAY_ALLOW_PRIVATE_NETWORKS=true',
    )
  }
}

function describe(app: App, row: Row): Provider {
  const { password, ...config } = openSettings(app, row.config)
  return {
    id: row.id,
    kind: row.kind,
    name: row.name,
    active: row.active,
    limits: { ...defaultLimits, ...row.limits },
    config: { ...config, hasPassword: password !== undefined && password !== '' },
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    lastTest: row.tested_at && { at: row.tested_at, error: row.test_error },
  }
}

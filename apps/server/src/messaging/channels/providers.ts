import { isDeepStrictEqual } from 'node:util'
import type { Pool, PoolClient } from 'pg'
import { noteSendingChanged } from '../../accounts/projects.ts'
import type { App } from '../../platform/app.ts'
import { withTransaction } from '../../platform/db/transaction.ts'
import { ApiError, notFound } from '../../platform/errors.ts'
import { nextUpdatedAt, requireUnchanged } from '../../platform/read-at.ts'
import { type Retrying, readRetrying } from '../sending/retrying.ts'
import type { ProviderKind } from './channel.ts'
import type { ProviderLimits } from './gateway.ts'
import { channels } from './list.ts'

/** A provider as it is shown. */
export interface Provider {
  id: number
  kind: string
  name: string
  active: boolean
  limits: ProviderLimits
  /** Its settings, without secrets. */
  config: object
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
  config?: object
  limits?: Partial<ProviderLimits>
  active?: boolean
}

interface Row {
  id: number
  kind: string
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
  input: ProviderInput & { config: object },
): Promise<Provider> {
  const { sealed } = kindOf('smtp').accept(app, input.config)
  return withTransaction(app.pool, async (client) => {
    const used = await lockUsed(client, projectId)
    const active = input.active ?? used === undefined
    if (active) await retire(client, projectId)
    const { rows } = await client.query<Row>(
      `insert into providers (project_id, kind, name, config, limits, active, created_at, updated_at)
       values ($1, 'smtp', $2, $3, $4, $5, $6, $6) returning ${columns}`,
      [projectId, input.name ?? '', sealed, JSON.stringify(input.limits ?? {}), active, app.now()],
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
 * A config without its secret keeps the one that is stored.
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
    const { sealed, changed } = input.config
      ? kindOf(row.kind).accept(app, input.config, row.config)
      : { sealed: row.config, changed: false }
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
        sealed,
        JSON.stringify(input.limits ?? row.limits),
        input.active ?? row.active,
        nextUpdatedAt(app.now(), row.updated_at),
        changed,
      ],
    )
    const [after] = rows
    if (!after) throw notFound('Provider')
    const isOther = changed || !isDeepStrictEqual(after.limits, row.limits)
    if (after.active !== row.active || (after.active && isOther)) await noteSendingChanged(client, projectId)
    return describe(app, after)
  })
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
    await kindOf(row.kind).tryOut(app, projectId, row.config, mail)
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

const describe = (app: App, row: Row): Provider => ({
  id: row.id,
  kind: row.kind,
  name: row.name,
  active: row.active,
  limits: { ...kindOf(row.kind).limits, ...row.limits },
  config: kindOf(row.kind).shown(app, row.config),
  createdAt: row.created_at,
  updatedAt: row.updated_at,
  lastTest: row.tested_at && { at: row.tested_at, error: row.test_error },
})

/** @throws {ApiError} 404 for one that a newer version made */
function kindOf(name: string): ProviderKind {
  const kind = channels.email!.providers[name]
  if (!kind) throw notFound('Provider')
  return kind
}

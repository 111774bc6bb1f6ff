import type { Transaction } from '@fairway/queue'
import { IANAZone } from 'luxon'
import type { App } from '../platform/app.ts'
import { withTransaction } from '../platform/db/transaction.ts'
import { addressProblem, canonicalAddress } from '../platform/email-address.ts'
import { conflict, invalidField, notFound } from '../platform/errors.ts'
import { isPhoneCountry } from '../platform/phone.ts'
import { nextUpdatedAt, requireUnchanged } from '../platform/read-at.ts'
import { createKey } from './keys.ts'
import { firstOrganizationId } from './members.ts'

export interface Project {
  id: number
  name: string
  /** `test`: mail goes to `testAddress`, or without one only to the sandbox mailbox. `live`: real sending. */
  mode: 'test' | 'live'
  testAddress: string | null
  /** IANA name; for people without a time zone of their own. */
  timezone: string
  /** Null keeps events for ever. */
  eventRetentionDays: number | null
  /** ISO 3166-1 alpha-2: phone numbers without a country code are read as numbers of this country. */
  defaultCountry: string | null
  organization: { id: string; name: string } | null
  createdAt: Date
  updatedAt: Date
}

/** A project and its first two keys, which can't be read again. */
export interface CreatedProject {
  project: Project
  trackingKey: string
  secretKey: string
}

export interface ProjectSettings {
  name?: string
  mode?: 'test' | 'live'
  testAddress?: string | null
  timezone?: string
  eventRetentionDays?: number | null
  defaultCountry?: string | null
}

const maxNameLength = 200
const maxRetentionDays = 36_500

/**
 * Creates a project with a tracking and a secret key. `organizationId`: default the installation's first.
 *
 * @throws {ApiError} 422 naming the setting that can't be used.
 */
export async function createProject(
  app: App,
  options: ProjectSettings & { name: string; organizationId?: string },
): Promise<CreatedProject> {
  const { organizationId = await firstOrganizationId(app), ...settings } = options
  const columns = toColumns(settings)
  return withTransaction(app.pool, async (client) => {
    const names = Object.keys(columns)
    const { rows } = await client.query<{ id: number }>(
      `insert into projects (organization_id, created_at, updated_at, ${names.join(', ')})
       values ($1, $2, $2, ${names.map((_, index) => `$${index + 3}`).join(', ')}) returning id`,
      [organizationId, app.now(), ...Object.values(columns)],
    )
    const id = rows[0]!.id
    const tracking = await createKey(app, id, { kind: 'tracking', name: 'First tracking key' }, client)
    const secret = await createKey(app, id, { kind: 'secret', name: 'First secret key' }, client)
    const project = await client.query<Project>(`${selectProjects} where p.id = $1`, [id])
    return { project: project.rows[0]!, trackingKey: tracking.key, secretKey: secret.key }
  })
}

/** @throws {ApiError} 404 */
export async function getProject(app: App, projectId: number): Promise<Project> {
  const { rows } = await app.pool.query<Project>(
    `${selectProjects} where p.id = $1 and p.deleted_at is null`,
    [projectId],
  )
  const project = rows[0]
  if (!project) throw notFound(`Project ${projectId}`)
  return project
}

/** The command line on the server's machine is not bound by it. */
const maxProjects = 100

/** @throws {ApiError} 409 when the organization has as many projects as it may make by itself. */
export async function requireRoomForProject(app: App, organizationId: string): Promise<void> {
  const { rows } = await app.pool.query<{ count: number }>(
    'select count(*) as count from projects where organization_id = $1 and deleted_at is null',
    [organizationId],
  )
  if (rows[0]!.count >= maxProjects)
    throw conflict(
      `An organization may make ${maxProjects} projects: delete one that is not used, or ask the operator to run \`npx fairway project create\``,
    )
}

/** The projects of these organizations, or all of the installation, by name; at most 1,000. */
export async function listProjects(app: App, organizationIds?: string[]): Promise<Project[]> {
  const { rows } = await app.pool.query<Project>(
    `${selectProjects} where p.deleted_at is null and ($1::text[] is null or p.organization_id = any($1))
     order by lower(p.name), p.id limit 1000`,
    [organizationIds ?? null],
  )
  return rows
}

/**
 * Changes what is given, leaves the rest.
 *
 * @param readAt see {@link requireUnchanged}
 * @throws {ApiError} 404, 409, or 422 naming the setting that can't be used.
 */
export async function updateProject(
  app: App,
  projectId: number,
  settings: ProjectSettings,
  readAt?: string,
): Promise<Project> {
  const columns = toColumns(settings)
  const names = Object.keys(columns)
  if (names.length > 0)
    await withTransaction(app.pool, async (client) => {
      const { rows } = await client.query<{ updated_at: Date; mode: string; test_address: string | null }>(
        'select updated_at, mode, test_address from projects where id = $1 and deleted_at is null for no key update',
        [projectId],
      )
      if (!rows[0]) throw notFound(`Project ${projectId}`)
      requireUnchanged('project', readAt, rows[0].updated_at)
      await client.query(
        `update projects set updated_at = $2, ${names.map((name, index) => `${name} = $${index + 3}`).join(', ')}
         where id = $1`,
        [projectId, nextUpdatedAt(app.now(), rows[0].updated_at), ...Object.values(columns)],
      )
      const { mode, test_address } = { ...rows[0], ...columns }
      if (mode !== rows[0].mode || test_address !== rows[0].test_address)
        await noteSendingChanged(client, projectId)
    })
  return getProject(app, projectId)
}

/**
 * Notes that a project's mail goes another way from now on: what waits is woken for it. In the transaction of the change, so that
 * neither is without the other.
 */
export async function noteSendingChanged(client: Transaction, projectId: number): Promise<void> {
  await client.query('update projects set sending_version = sending_version + 1 where id = $1', [projectId])
}

const selectProjects = `
  select p.id, p.name, p.mode, p.test_address as "testAddress", p.timezone,
         p.event_retention_days as "eventRetentionDays", p.default_country as "defaultCountry", p.created_at as "createdAt",
         p.updated_at as "updatedAt",
         case when o.id is not null then json_build_object('id', o.id, 'name', o.name) end as organization
  from projects p left join organizations o on o.id = p.organization_id`

/** Column names are ours, never the caller's. */
function toColumns(settings: ProjectSettings): Record<string, unknown> {
  const { name, mode, testAddress, timezone, eventRetentionDays, defaultCountry } = settings
  const columns: Record<string, unknown> = {}
  if (name !== undefined) columns.name = checkName(name)
  if (mode !== undefined) columns.mode = checkMode(mode)
  if (testAddress !== undefined) columns.test_address = checkAddress(testAddress)
  if (timezone !== undefined) columns.timezone = checkTimezone(timezone)
  if (eventRetentionDays !== undefined) columns.event_retention_days = checkRetention(eventRetentionDays)
  if (defaultCountry !== undefined) columns.default_country = checkCountry(defaultCountry)
  return columns
}

function checkName(name: string): string {
  const trimmed = name.trim()
  const printable = !/\p{Cc}/u.test(trimmed)
  if (trimmed && trimmed.length <= maxNameLength && printable) return trimmed
  throw invalidField('name', `must be 1 to ${maxNameLength} characters, without line breaks`)
}

function checkMode(mode: string): string {
  if (mode === 'test' || mode === 'live') return mode
  throw invalidField('mode', 'must be "test" or "live"')
}

function checkAddress(address: string | null): string | null {
  if (address === null) return null
  const problem = addressProblem(address)
  if (problem === undefined) return canonicalAddress(address)!
  throw invalidField('testAddress', `${problem}; give one such as team@example.com, or null`)
}

function checkTimezone(timezone: string): string {
  if (IANAZone.isValidZone(timezone)) return timezone
  throw invalidField('timezone', 'must be an IANA time zone such as "Europe/Berlin"')
}

function checkRetention(days: number | null): number | null {
  if (days === null || (Number.isInteger(days) && days >= 1 && days <= maxRetentionDays)) return days
  throw invalidField(
    'eventRetentionDays',
    `must be a whole number from 1 to ${maxRetentionDays}, or null for ever`,
  )
}

function checkCountry(code: string | null): string | null {
  if (code === null || isPhoneCountry(code)) return code
  throw invalidField('defaultCountry', 'must be a country code of two capital letters such as "DE", or null')
}

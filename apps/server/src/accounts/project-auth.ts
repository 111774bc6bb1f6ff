import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { App } from '../platform/app.ts'
import { forbidden, notFound, unauthorized } from '../platform/errors.ts'
import type { Caller } from '../platform/rights.ts'
import { attemptsOf } from './attempts.ts'
import { findKey, forgetKey, keyPrefix } from './keys.ts'
import { highestRole } from './members.ts'
import { readSession, type SignedIn } from './session.ts'

/**
 * The scope of every REST route under `/api/v1/projects/:project`. `http/server.ts` registers it once:
 *
 *     server.register(projectScope([peopleRoutes(app), templateRoutes(app), …]))
 *
 * and a folder's `routes.ts` names what follows the project, and the right that it needs:
 *
 *     export const templateRoutes = (app: App) => async (server: FastifyInstance) => {
 *       server.get('/templates', { config: { right: 'project.read' }, schema }, async ({ project }) => …)
 *     }
 *
 * Their handlers run only for a caller who has that right in the project, which is then `request.project`: `guardRoutes`
 * sees to it.
 */
export const projectScope = (routes: ProjectRoutes[]) => async (root: FastifyInstance) => {
  await root.register(
    async (server) => {
      for (const plugin of routes) await server.register(plugin)
    },
    { prefix: '/api/v1/projects/:project' },
  )
}

export type ProjectRoutes = (server: FastifyInstance) => Promise<void>

/** What a request needs to know of its project. */
export interface ProjectContext {
  id: number
  name: string
  mode: 'test' | 'live'
  timezone: string
  /** Of phone numbers without a country code; null where they stay as sent. */
  defaultCountry: string | null
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set in routes of a project, by {@link enterProject}. */
    project: ProjectContext
    projectId?: number
    /** `key` for a secret key, else the signed-in member's role. */
    projectRole?: Caller
    /** Who asks, for records: a member's address, or `key` and the beginning of the key. Set by {@link enterProject}. */
    actor: string
  }
}

/** Finds out who asks, in which project, and notes it on the request. @throws {ApiError} 401, 403, 404 or 429 */
export async function enterProject(app: App, request: FastifyRequest): Promise<void> {
  const { project, role, actor } = await authorize(app, request)
  request.project = project
  request.projectId = project.id
  request.projectRole = role
  request.actor = actor
}

interface Access {
  project: ProjectContext
  role: Caller
  actor: string
}

/**
 * Replies tell nothing about projects that the caller can't see: a key answers 403 for every project but its own,
 * existing or not, and a member 404 for every project of other organizations.
 */
async function authorize(app: App, request: FastifyRequest): Promise<Access> {
  const projectId = parseProjectId((request.params as { project?: string }).project)
  const { authorization } = request.headers
  if (authorization !== undefined) return authorizeKey(app, request, authorization, projectId)

  const user = await readSession(app, request)
  if (!user)
    throw refuse(app, request, 'Send the secret key as `Authorization: Bearer <secretKey>`, or sign in')
  const access = projectId === null ? null : await findForMember(app, projectId, user)
  if (!access) throw notFound('Project')
  return access
}

/** {@link enterProject} anew, with the key as the database has it now. */
export async function enterProjectAgain(app: App, request: FastifyRequest): Promise<void> {
  const token = bearerToken(request.headers.authorization)
  if (token) forgetKey(app, token)
  await enterProject(app, request)
}

async function authorizeKey(
  app: App,
  request: FastifyRequest,
  authorization: string,
  projectId: number | null,
): Promise<Access> {
  const token = bearerToken(authorization)
  if (!token) throw refuse(app, request, 'Send the secret key as `Authorization: Bearer <secretKey>`')
  const owner = await findKey(app, token)
  if (!owner) throw refuse(app, request, 'The key is unknown or was revoked')
  if (owner.kind !== 'secret') throw forbidden('This is a tracking key; the REST API needs a secret key')
  if (owner.projectId !== projectId)
    throw forbidden("This key belongs to another project; use that project's id")
  const project = await findProject(app, projectId)
  // Deleted within the time that its key stays cached.
  if (!project) throw refuse(app, request, 'The key is unknown or was revoked')
  return { project, role: 'key', actor: `key ${keyPrefix(token, owner.kind)}` }
}

const bearerToken = (authorization: string | undefined) => /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1]

/** The 401, or the 429 once the address had too many of them. */
function refuse(app: App, request: FastifyRequest, message: string) {
  attemptsOf(app).failedAuth.count(request.ip)
  return unauthorized(message)
}

/** Ids are PostgreSQL integers; anything else names no project. */
function parseProjectId(text: string | undefined): number | null {
  const id = /^[1-9]\d{0,9}$/.test(text ?? '') ? Number(text) : Number.NaN
  return id <= 2_147_483_647 ? id : null
}

async function findProject(app: App, projectId: number): Promise<ProjectContext | null> {
  const { rows } = await app.pool.query<ProjectContext>(
    'select id, name, mode, timezone, default_country as "defaultCountry" from projects where id = $1 and deleted_at is null',
    [projectId],
  )
  return rows[0] ?? null
}

async function findForMember(app: App, projectId: number, user: SignedIn): Promise<Access | null> {
  const { rows } = await app.pool.query<ProjectContext & { role: string }>(
    `select p.id, p.name, p.mode, p.timezone, p.default_country as "defaultCountry", m.role from projects p
     join members m on m."organizationId" = p.organization_id and m."userId" = $2
     where p.id = $1 and p.deleted_at is null`,
    [projectId, user.id],
  )
  const row = rows[0]
  if (!row) return null
  const { role, ...project } = row
  return { project, role: highestRole(role), actor: user.email }
}

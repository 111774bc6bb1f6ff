import type { FastifyInstance, FastifyRequest, onRequestAsyncHookHandler, RouteOptions } from 'fastify'
import type { App } from '../platform/app.ts'
import { ApiError, notFound } from '../platform/errors.ts'
import { type Caller, isRight, may, type Right, scopeOf, whoMay } from '../platform/rights.ts'
import { installationRole, type OrganizationSummary, organizationsOf } from './members.ts'
import { enterProject, enterProjectAgain } from './project-auth.ts'
import { requireSession, type SignedIn } from './session.ts'

/** Who may call a route that asks for no right; what has a credential of its own checks it in its handler. */
const openTo = {
  public: 'anybody',
  link: 'whoever has the link of a mail, which is signed',
  signIn: 'anybody; the library for signing in checks each of its own endpoints',
  signedIn: 'whoever is signed in',
  anyKey: 'a tracking key or a secret key, where the clients of the API put it',
  secretKey: 'a secret key',
} as const

export type RouteRight = Right | keyof typeof openTo

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Every route says who may call it: see {@link guardRoutes}. */
    right?: RouteRight
    /** A right that depends on what is asked, once the body is checked: erasing in bulk, cancelling somebody's task. */
    alsoNeeds?: (request: FastifyRequest) => Right | undefined | Promise<Right | undefined>
  }
  interface FastifyInstance {
    /** For the routes of a library's plugin, which can't declare anything: the same for all of them. */
    rightOfPlugin?: RouteRight
    guardedRoutes: GuardedRoute[]
  }
  interface FastifyRequest {
    /** Set for routes that need a signed-in user, outside of projects. */
    user: SignedIn
    /** Set for routes that need a right in an organization. */
    organization: OrganizationSummary
  }
}

export interface GuardedRoute {
  method: string
  url: string
  right: RouteRight
}

const projectPrefix = '/api/v1/projects/:project'
const guards = new WeakSet<object>()

/**
 * Called before any route is registered. Every route must declare its right, `config: { right: 'people.erase' }`, or the
 * server doesn't start; the check is put onto the route here, so that none can forget it.
 */
export function guardRoutes(server: FastifyInstance, app: App): void {
  server.decorate('guardedRoutes', [])
  server.addHook('onRoute', function (route) {
    const right = route.config?.right ?? this.rightOfPlugin
    const name = `${[route.method].flat().join('|')} ${route.url}`
    if (right === undefined || !(isRight(right) || Object.hasOwn(openTo, right)))
      throw new Error(`${name} must declare who may call it: config: { right: … }, see platform/rights.ts`)
    const ofProject = isRight(right) && scopeOf(right) === 'project'
    if (ofProject !== (route.url === projectPrefix || route.url.startsWith(`${projectPrefix}/`)))
      throw new Error(
        `${name} declares ${right}: rights of projects and routes under ${projectPrefix} go together`,
      )
    for (const method of [route.method].flat()) server.guardedRoutes.push({ method, url: route.url, right })

    // The HEAD of a GET is registered with what was put onto the GET.
    if ([route.onRequest].flat().some((hook) => hook && guards.has(hook))) return
    describe(route, right)
    const guard = guardOf(app, right)
    if (!guard) return
    guards.add(guard)
    route.onRequest = [guard, ...[route.onRequest ?? []].flat()]
    const later = laterCheck(app, right, route.config?.alsoNeeds)
    if (later) route.preHandler = [later, ...[route.preHandler ?? []].flat()]
  })
}

/** A plugin of a library, whose routes are all open to the same. */
export const openPlugin =
  (right: keyof typeof openTo, register: (scope: FastifyInstance) => PromiseLike<unknown>) =>
  async (scope: FastifyInstance) => {
    scope.decorate('rightOfPlugin', right)
    await register(scope)
  }

/** Runs before the body is read. */
function guardOf(app: App, right: RouteRight): onRequestAsyncHookHandler | undefined {
  if (isRight(right) && scopeOf(right) === 'project')
    return async (request) => {
      await enterProject(app, request)
      requireRight(request.projectRole!, right)
    }
  if (!isRight(right) && right !== 'signedIn') return undefined
  return async (request, reply) => {
    request.user = await requireSession(app, request, reply)
    if (isRight(right) && scopeOf(right) === 'installation')
      requireRight((await installationRole(app, request.user.id)) ?? null, right)
  }
}

/** Whether who opened what stays open still has the route's right. What can't be found out counts as no. */
export async function mayStill(app: App, request: FastifyRequest): Promise<boolean> {
  const { right } = request.routeOptions.config
  try {
    await enterProjectAgain(app, request)
    return right !== undefined && isRight(right) && may(request.projectRole!, right)
  } catch {
    return false
  }
}

/** What only the checked body tells. */
function laterCheck(
  app: App,
  right: RouteRight,
  alsoNeeds: ((request: FastifyRequest) => Right | undefined | Promise<Right | undefined>) | undefined,
) {
  if (isRight(right) && scopeOf(right) === 'organization')
    return async (request: FastifyRequest) => {
      const { organizationId } = request.body as { organizationId?: string }
      request.organization = await organizationOf(app, request.user, organizationId)
      requireRight(request.organization.role, right)
    }
  if (!alsoNeeds) return undefined
  return async (request: FastifyRequest) => {
    const more = await alsoNeeds(request)
    if (more) requireRight(request.projectRole!, more)
  }
}

/** Default: the user's first. @throws {ApiError} 404 for one of others, as for one that does not exist. */
async function organizationOf(
  app: App,
  user: SignedIn,
  id: string | undefined,
): Promise<OrganizationSummary> {
  const organizations = await organizationsOf(app, user.id)
  const organization = organizations.find((candidate) => id === undefined || candidate.id === id)
  if (!organization) throw notFound('Organization')
  return organization
}

/** @throws {ApiError} 403 that names the right and who has it. */
function requireRight(caller: Caller | null, right: Right): void {
  if (caller !== null && may(caller, right)) return
  throw new ApiError(403, 'forbidden', `Only ${whoMay(right)} may do this (${right})`, { extra: { right } })
}

/** The API's description says what a route needs. */
function describe(route: RouteOptions, right: RouteRight): void {
  const { description, ...schema } = route.schema ?? {}
  const needs = isRight(right)
    ? `Needs the right \`${right}\`: ${whoMay(right)}.`
    : `Open to ${openTo[right]}.`
  route.schema = {
    ...schema,
    description: description ? `${description}\n\n${needs}` : needs,
    ...(route.url.startsWith(projectPrefix) && { security: [{ secretKey: [] }] }),
  }
}

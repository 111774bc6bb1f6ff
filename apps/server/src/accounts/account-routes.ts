import { CreatedProject, ListedProject, Session, Whole } from '@fairway/api'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { isAPIError } from 'better-auth/api'
import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import type { App } from '../platform/app.ts'
import { addressKey } from '../platform/email-address.ts'
import { ApiError, notFound } from '../platform/errors.ts'
import { created, noContent, ok, redirect } from '../platform/http/answers.ts'
import { rightsOf } from '../platform/rights.ts'
import { authPath, passwordMinLength } from './auth.ts'
import { rememberBrowser } from './known-browser.ts'
import { organizationsOf, updateUser } from './members.ts'
import { createProject, listProjects, requireRoomForProject } from './projects.ts'
import { passCookies, refuseOtherSites, requestOrigin, webHeaders } from './session.ts'
import { countSignInAttempt } from './sign-in-attempts.ts'
import { signInLinkPath } from './sign-in-link.ts'
import { withAuth } from './with-auth.ts'

const maxAuthBodyBytes = 64 * 1024
const consolePath = '/'
const signInPath = '/sign-in'

/** Signing in, who is signed in, and the projects that they may see: everything that isn't inside one project. */
export const accountRoutes = (app: App) => async (plugin: FastifyInstance) => {
  const server = plugin.withTypeProvider<TypeBoxTypeProvider>()
  await server.register(betterAuthRoutes(app))

  // HEAD is left out: link checkers send it, and it would use the link up.
  server.get(
    signInLinkPath,
    {
      config: { right: 'signIn' },
      exposeHeadRoute: false,
      // Whoever opens a broken link sees the page that says so.
      attachValidation: true,
      schema: {
        summary: 'Open a one-time sign-in link',
        tags: ['session'],
        querystring: Type.Object({ token: Type.String({ maxLength: 200 }) }),
        response: redirect,
      },
    },
    async (request, reply) => {
      await countSignInAttempt(app, request)
      const opened = request.validationError
        ? null
        : await consumeLink(app, request.query.token, webHeaders(request))
      if (!opened) return reply.redirect(`${signInPath}?error=link_expired`, 303)
      passCookies(opened.headers, reply)
      rememberBrowser(app, reply, opened.email)
      return reply.redirect(consolePath, 303)
    },
  )

  server.get(
    '/api/v1/session',
    {
      config: { right: 'signedIn' },
      schema: {
        summary: 'Who is signed in, with their organizations',
        tags: ['session'],
        response: ok(Session),
      },
    },
    async ({ user }) => {
      const [organizations, password] = await Promise.all([
        organizationsOf(app, user.id),
        hasPassword(app, user.id),
      ])
      return {
        user: { ...user, hasPassword: password },
        organizations: organizations.map((organization) => ({
          ...organization,
          rights: rightsOf(organization.role, 'organization'),
        })),
      }
    },
  )

  server.patch(
    '/api/v1/session',
    {
      config: { right: 'signedIn' },
      schema: {
        summary: 'Change your name, or give the first owner an address',
        tags: ['session'],
        body: Type.Object(
          {
            name: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
            email: Type.Optional(Type.String({ maxLength: 254 })),
          },
          { additionalProperties: false },
        ),
        response: noContent,
      },
    },
    async (request, reply) => {
      await updateUser(app, request.user.id, request.body)
      return reply.code(204).send()
    },
  )

  server.put(
    '/api/v1/session/password',
    {
      config: { right: 'signedIn' },
      schema: {
        summary: 'Set or change your password',
        description: 'Changing it needs the current one and ends your other sessions.',
        tags: ['session'],
        body: Type.Object(
          {
            newPassword: Type.String({ minLength: passwordMinLength, maxLength: 128 }),
            currentPassword: Type.Optional(Type.String({ maxLength: 128 })),
          },
          { additionalProperties: false },
        ),
        response: noContent,
      },
    },
    async (request, reply) => {
      await countSignInAttempt(app, request, request.user.email)
      const { newPassword, currentPassword = '' } = request.body
      const headers = webHeaders(request)
      const hadPassword = await hasPassword(app, request.user.id)
      const changed = withAuth<{ headers: Headers }>(app, ({ api }) =>
        hadPassword
          ? api.changePassword({
              body: { newPassword, currentPassword, revokeOtherSessions: true },
              headers,
              returnHeaders: true,
            })
          : api.setPassword({ body: { newPassword }, headers, returnHeaders: true }),
      )
      const result = await changed.catch((error: unknown) => {
        throw fromBetterAuth(error)
      })
      passCookies(result.headers, reply)
      return reply.code(204).send()
    },
  )

  server.get(
    '/api/v1/projects',
    {
      config: { right: 'signedIn' },
      schema: {
        summary: 'The projects of your organizations, and your rights in each',
        tags: ['projects'],
        response: ok(Whole(ListedProject)),
      },
    },
    async ({ user }) => {
      const roles = new Map((await organizationsOf(app, user.id)).map(({ id, role }) => [id, role]))
      const projects = await listProjects(app, [...roles.keys()])
      return {
        items: projects.map((project) => ({
          ...project,
          rights: rightsOf(roles.get(project.organization!.id)!, 'project'),
        })),
        nextCursor: null,
      }
    },
  )

  server.post(
    '/api/v1/projects',
    {
      config: { right: 'projects.create' },
      schema: {
        summary: 'Create a project',
        description: 'The reply holds its first two keys, which can not be read again.',
        tags: ['projects'],
        body: Type.Object(
          {
            name: Type.String(),
            organizationId: Type.Optional(Type.String({ description: 'Default: your first organization' })),
            timezone: Type.Optional(Type.String()),
          },
          { additionalProperties: false },
        ),
        response: created(CreatedProject),
      },
    },
    async (request, reply) => {
      const { organizationId: _, ...settings } = request.body
      await requireRoomForProject(app, request.organization.id)
      return reply
        .code(201)
        .send(await createProject(app, { ...settings, organizationId: request.organization.id }))
    },
  )
}

/** Whose link it was, with the session's cookies; null when the link was used, is too old or never was. */
async function consumeLink(
  app: App,
  token: string,
  headers: Headers,
): Promise<{ email: string; headers: Headers } | null> {
  try {
    const result = await withAuth(app, ({ api }) =>
      api.magicLinkVerify({ query: { token }, headers, returnHeaders: true }),
    )
    return { email: result.response.user.email, headers: result.headers }
  } catch (error) {
    // better-auth answers a useless link with a redirect, which it throws.
    if (isAPIError(error) && error.statusCode >= 300 && error.statusCode < 400) return null
    throw error
  }
}

async function hasPassword(app: App, userId: string): Promise<boolean> {
  const { rowCount } = await app.pool.query(
    `select 1 from user_accounts where "userId" = $1 and "providerId" = 'credential' and password is not null`,
    [userId],
  )
  return rowCount !== 0
}

function fromBetterAuth(error: unknown): unknown {
  if (!isAPIError(error) || error.statusCode >= 500) return error
  return new ApiError(error.statusCode, error.body?.code?.toLowerCase() ?? 'bad_request', error.message)
}

/** better-auth's own endpoints: email and password, sign-out, organizations, members, invitations. */
const betterAuthRoutes = (app: App) => async (server: FastifyInstance) => {
  server.route<{ Params: { '*': string } }>({
    method: ['GET', 'POST'],
    url: `${authPath}/*`,
    bodyLimit: maxAuthBodyBytes,
    exposeHeadRoute: false,
    config: { right: 'signIn' },
    schema: { hide: true },
    handler: async (request, reply) => {
      refuseOtherSites(app, request)
      const endpoint = request.params['*'].replace(/\/$/, '')
      // better-auth is given what was routed, never the address as it was sent: there is nothing to read in another way.
      if (!/^[\w/-]+$/.test(endpoint)) throw notFound(`${authPath}/${endpoint}`)
      const sent = withAddressKey(request.body)
      const email = emailOf(sent)
      if (!checksNothing.has(endpoint)) await countSignInAttempt(app, request, email)
      const url = new URL(`${authPath}/${endpoint}`, requestOrigin(request))
      url.search = request.url.split('?').slice(1).join('?')
      const { method } = request
      const body = method === 'POST' ? JSON.stringify(sent ?? {}) : undefined
      const headers = webHeaders(request)
      if (body !== undefined) headers.set('content-type', 'application/json')
      headers.delete('content-length')
      const response = await withAuth(app, ({ handler }) =>
        handler(new Request(url, { method, headers, body })),
      )
      passCookies(response.headers, reply)
      for (const [name, value] of response.headers) if (name !== 'set-cookie') void reply.header(name, value)
      if (endpoint === signInEndpoint && response.ok && email !== undefined)
        rememberBrowser(app, reply, email)
      return reply
        .code(response.status)
        .send(response.body ? Buffer.from(await response.arrayBuffer()) : null)
    },
  })
}

const signInEndpoint = 'sign-in/email'

/** All others may check a password, a token or who somebody is, and count as attempts. */
const checksNothing = new Set([
  'get-session',
  'list-sessions',
  'sign-out',
  'revoke-session',
  'revoke-sessions',
  'revoke-other-sessions',
  'update-user',
  'organization/list',
  'organization/list-members',
  'organization/list-invitations',
  'organization/get-full-organization',
  'organization/get-active-member',
  'organization/set-active',
])

/** Users are stored by the key of their address. */
function withAddressKey(body: unknown): unknown {
  const email = emailOf(body)
  return email === undefined ? body : { ...(body as object), email: addressKey(email) }
}

function emailOf(body: unknown): string | undefined {
  const { email } = (body ?? {}) as { email?: unknown }
  return typeof email === 'string' ? email : undefined
}

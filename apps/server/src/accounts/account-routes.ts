import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { isAPIError } from 'better-auth/api'
import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import type { App } from '../app.ts'
import { ApiError } from '../errors.ts'
import { attemptsOf } from './attempts.ts'
import { authPath, shortestPassword } from './auth.ts'
import { organizationsOf, updateUser } from './members.ts'
import { createProject, listProjects } from './projects.ts'
import { rightsOf } from './rights.ts'
import { passCookies, refuseOtherSites, requestOrigin, webHeaders } from './session.ts'
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
      schema: {
        summary: 'Open a one-time sign-in link',
        tags: ['session'],
        querystring: Type.Object({ token: Type.String({ maxLength: 200 }) }),
      },
    },
    async (request, reply) => {
      attemptsOf(app).signIn.count(request.ip)
      void reply.header('referrer-policy', 'no-referrer').header('cache-control', 'no-store')
      const headers = await consumeLink(app, request.query.token, webHeaders(request))
      if (!headers) return reply.redirect(`${signInPath}?error=link_expired`, 303)
      passCookies(headers, reply)
      return reply.redirect(consolePath, 303)
    },
  )

  server.get(
    '/api/v1/session',
    {
      config: { right: 'signedIn' },
      schema: { summary: 'Who is signed in, with their organizations', tags: ['session'] },
    },
    async ({ user }, reply) => {
      const [organizations, password] = await Promise.all([
        organizationsOf(app, user.id),
        hasPassword(app, user.id),
      ])
      return reply.header('cache-control', 'no-store').send({
        user: { ...user, hasPassword: password },
        organizations: organizations.map((organization) => ({
          ...organization,
          rights: rightsOf(organization.role, 'organization'),
        })),
      })
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
            newPassword: Type.String({ minLength: shortestPassword, maxLength: 128 }),
            currentPassword: Type.Optional(Type.String({ maxLength: 128 })),
          },
          { additionalProperties: false },
        ),
      },
    },
    async (request, reply) => {
      attemptsOf(app).signIn.count(request.ip)
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
      schema: { summary: 'The projects of your organizations, and your rights in each', tags: ['projects'] },
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
      },
    },
    async (request, reply) => {
      const { organizationId: _, ...settings } = request.body
      return reply
        .code(201)
        .header('cache-control', 'no-store')
        .send(await createProject(app, { ...settings, organizationId: request.organization.id }))
    },
  )
}

/** The session's cookies, or null when the link was used, is too old or never was. */
async function consumeLink(app: App, token: string, headers: Headers): Promise<Headers | null> {
  try {
    const result = await withAuth(app, ({ api }) =>
      api.magicLinkVerify({ query: { token }, headers, returnHeaders: true }),
    )
    return result.headers
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
  server.removeAllContentTypeParsers()
  server.addContentTypeParser(
    '*',
    { parseAs: 'string', bodyLimit: maxAuthBodyBytes },
    (_request, body, done) => done(null, body),
  )
  server.route({
    method: ['GET', 'POST'],
    url: `${authPath}/*`,
    exposeHeadRoute: false,
    config: { right: 'signIn' },
    schema: { hide: true },
    handler: async (request, reply) => {
      refuseOtherSites(app, request)
      if (isGuess(request.url)) attemptsOf(app).signIn.count(request.ip)
      const url = new URL(request.url, requestOrigin(request))
      const body = request.method === 'POST' ? (request.body as string | undefined) : undefined
      const response = await withAuth(app, ({ handler }) =>
        handler(new Request(url, { method: request.method, headers: webHeaders(request), body })),
      )
      passCookies(response.headers, reply)
      for (const [name, value] of response.headers) if (name !== 'set-cookie') void reply.header(name, value)
      return reply
        .code(response.status)
        .send(response.body ? Buffer.from(await response.arrayBuffer()) : null)
    },
  })
}

/** Endpoints that check a password or a token. */
const isGuess = (url: string) =>
  /\/(sign-in|change-password|change-email|verify|reset-password|delete-user)/.test(url)

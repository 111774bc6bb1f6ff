import type { FastifyReply, FastifyRequest } from 'fastify'
import type { App } from '../platform/app.ts'
import { badRequest, forbidden, unauthorized } from '../platform/errors.ts'
import { addressHeader, publicOrigin } from './auth.ts'
import { withAuth } from './with-auth.ts'

export interface SignedIn {
  id: string
  name: string
  email: string
}

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Who is signed in by the console's cookie, or null. With `reply`, a cookie that was due for renewal is renewed.
 *
 * @throws {ApiError} 403 when the cookie comes with a changing request that another site may have caused.
 */
export async function readSession(
  app: App,
  request: FastifyRequest,
  reply?: FastifyReply,
): Promise<SignedIn | null> {
  if (!request.headers.cookie?.includes('fairway.session_token=')) return null
  const { response: session, headers } = await withAuth(app, ({ api }) =>
    api.getSession({ headers: webHeaders(request), returnHeaders: true }),
  )
  if (reply) passCookies(headers, reply)
  if (!session) return null
  refuseOtherSites(app, request)
  const { id, name, email } = session.user
  return { id, name, email }
}

/** @throws {ApiError} 401 when nobody is signed in. */
export async function requireSession(
  app: App,
  request: FastifyRequest,
  reply?: FastifyReply,
): Promise<SignedIn> {
  const user = await readSession(app, request, reply)
  if (!user) throw unauthorized('Sign in first')
  return user
}

/**
 * A cookie is sent by the browser whoever wrote the page, so a changing request must prove where it comes from:
 * browsers put the page's origin into `Origin`, which no page can forge. (SameSite=Lax alone would let other ports and
 * subdomains of our own site through.)
 */
export function refuseOtherSites(app: App, request: FastifyRequest): void {
  if (safeMethods.has(request.method)) return
  const { origin } = request.headers
  if (origin === requestOrigin(request) || origin === publicOrigin(app)) return
  throw forbidden(
    'With a session cookie, a changing request must come from the console itself (Origin header)',
  )
}

/**
 * Scheme and host as the client sees them. Behind a proxy, fastify's `trustProxy` makes them the outer ones.
 *
 * @throws {ApiError} 400 for headers that name no host
 */
export function requestOrigin({ protocol, host }: FastifyRequest): string {
  const origin = `${protocol}://${host}`
  if (/^https?:\/\/[^/?#\\@\s]+$/.test(origin) && URL.canParse(origin)) return origin
  throw badRequest('The headers Host, X-Forwarded-Host and X-Forwarded-Proto must name the server', 'host')
}

export function passCookies(headers: Headers, reply: FastifyReply): void {
  const cookies = headers.getSetCookie()
  if (cookies.length > 0) void reply.header('set-cookie', cookies)
}

/** The request's headers for better-auth, with the client's address as fastify determined it. */
export function webHeaders(request: FastifyRequest): Headers {
  const headers = new Headers()
  for (const [name, value] of Object.entries(request.headers)) {
    for (const one of [value].flat()) if (one !== undefined) headers.append(name, one)
  }
  headers.set(addressHeader, request.ip)
  return headers
}

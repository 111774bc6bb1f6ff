import { randomBytes } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { App } from '../platform/app.ts'
import { publicOrigin } from './auth.ts'

/**
 * A device cookie, as OWASP calls it: says that somebody signed in to an account from this browser before. It opens
 * nothing; it only gives the browser a count of attempts of its own.
 */
const cookieName = 'fairway.known_browser'
const purpose = 'known browser'
const maxAgeSeconds = 180 * 86_400

const signed = (account: string, browser: string) => `${account.trim().toLowerCase()}\0${browser}`

/** Of a reply that signs somebody in. */
export function rememberBrowser(app: App, reply: FastifyReply, account: string): void {
  const browser = randomBytes(12).toString('base64url')
  const value = `${browser}.${app.secrets.sign(purpose, signed(account, browser))}`
  const secure = publicOrigin(app).startsWith('https:') ? '; Secure' : ''
  void reply.header(
    'set-cookie',
    `${cookieName}=${value}; Max-Age=${maxAgeSeconds}; Path=/api; HttpOnly; SameSite=Lax${secure}`,
  )
}

/** Names the browser when it signed in to this account before. */
export function knownBrowser(app: App, request: FastifyRequest, account: string): string | undefined {
  const cookies = request.headers.cookie?.split('; ') ?? []
  const value = cookies.find((cookie) => cookie.startsWith(`${cookieName}=`))?.slice(cookieName.length + 1)
  const [browser = '', signature = ''] = value?.split('.') ?? []
  return app.secrets.verify(purpose, signed(account, browser), signature) ? browser : undefined
}

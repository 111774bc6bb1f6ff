import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import type { RouteRight } from '../accounts/route-rights.ts'
import { acceptsGzip } from '../platform/http/accept-encoding.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * The reply holds keys or signed links, beside text that others choose. Compressed, its length would tell how alike they
     * are (BREACH).
     */
    holdsSecrets?: boolean
  }
}

/** Below it a reply is one packet either way. */
const leastBytes = 1_024
/** A page of 100 people, 21 kB, becomes 3.6 kB in 0.1 ms; level 9 takes three times as long for 3.3 kB. */
const level = 5
const textTypes =
  /^(application\/(problem\+)?json|application\/x-yaml|image\/svg\+xml|text\/(?!event-stream))/

/** Where what is sent is a key, a session, or the page or mail of a signed link, or where a sender only wants to know that it arrived. */
const neverCompressed = new Set<RouteRight | undefined>([
  'signIn',
  'link',
  'anyKey',
  'secretKey',
  'keys.manage',
  'keys.secret',
])

const compress = promisify(gzip)

/**
 * Compresses replies of what is read: by GET, or by a costly search. Files are compressed when they are built, and what
 * streams is left alone. Called before any route is registered.
 */
export function compressReplies(server: FastifyInstance): void {
  server.addHook('onRoute', function (route) {
    const right = route.config?.right ?? this.rightOfPlugin
    if (!isReading(route) || neverCompressed.has(right) || route.config?.holdsSecrets) return
    // First, so that HEAD tells the length that GET has.
    route.onSend = [compressed, ...[route.onSend ?? []].flat().filter((hook) => hook !== compressed)]
  })
}

const isReading = ({ method, config }: RouteOptions) =>
  [method].flat().some((name) => name === 'GET' || name === 'HEAD') || config?.expensive !== undefined

/** A hook `onSend`. In zlib's own threads, so that the event loop goes on. */
export async function compressed(request: FastifyRequest, reply: FastifyReply, payload: unknown) {
  if (typeof payload !== 'string' && !Buffer.isBuffer(payload)) return payload
  if (payload.length < leastBytes || !isPlainText(reply)) return payload
  reply.header('vary', [reply.getHeader('vary') ?? [], 'Accept-Encoding'].flat().join(', '))
  if (!acceptsGzip(request.headers['accept-encoding'])) return payload
  const bytes = await compress(payload, { level })
  reply.removeHeader('content-length').header('content-encoding', 'gzip')
  return bytes
}

/** Strong etags name the very bytes. */
function isPlainText(reply: FastifyReply): boolean {
  const etag = String(reply.getHeader('etag') ?? 'W/')
  return (
    textTypes.test(String(reply.getHeader('content-type'))) &&
    !reply.hasHeader('content-encoding') &&
    etag.startsWith('W/')
  )
}

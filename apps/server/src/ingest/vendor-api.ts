import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { KeyOwner } from '../accounts/keys.ts'
import type { IngestLimits } from '../audience/items/limits.ts'
import type { App } from '../platform/app.ts'
import type { ApiError } from '../platform/errors.ts'
import { toApiError } from '../platform/to-api-error.ts'
import { ownerOf } from './accept.ts'
import { acceptAnyBody, type CheckKey } from './body.ts'
import { largeTurnsOf } from './large-turns.ts'

/** While the store is away every request fails alike: one explanation a second is enough beside the request log. */
const warnEveryMs = 1_000

/**
 * Makes a fastify scope speak as a vendor's API does: reads any body, and answers every error in the vendor's shape.
 * `render` gets the error and gives the reply's body.
 */
export function speakAsVendor(
  scope: FastifyInstance,
  app: App,
  limits: IngestLimits,
  checkKey: CheckKey,
  render: (error: ApiError) => unknown,
): void {
  acceptAnyBody(scope, limits, checkKey, largeTurnsOf(app))
  let warnedAt = -Infinity
  scope.setErrorHandler((thrown, request, reply) => {
    const error = toApiError(thrown)
    if (error.status === 503 && performance.now() - warnedAt > warnEveryMs) {
      warnedAt = performance.now()
      app.log.warn({ requestId: request.id, err: thrown }, 'ingestion is refused')
    } else if (error.status >= 500 && error.status !== 503)
      app.log.error({ requestId: request.id, err: thrown }, 'ingestion failed')
    if (error.retryAfterSeconds !== undefined) void reply.header('retry-after', error.retryAfterSeconds)
    return sendJson(reply.code(error.status), JSON.stringify(render(error)))
  })
}

/** Sends text that is JSON already: no serialiser needs to look at it. */
export const sendJson = (reply: FastifyReply, json: string | Buffer) =>
  reply.header('content-type', 'application/json; charset=utf-8').send(json)

/** Entries that are written in one go, about a millisecond. */
const sliceEntries = 500

/** Sends `head` with a list as its last member, which is written in turns with what else there is to do: a batch may have 20,000 refusals. */
export async function sendWithList(
  app: App,
  reply: FastifyReply,
  head: object,
  name: string,
  list: readonly object[],
): Promise<FastifyReply> {
  const members = JSON.stringify(head).slice(1, -1)
  const parts = [Buffer.from(`{${members === '' ? '' : `${members},`}"${name}":[`)]
  for (let from = 0; from < list.length; from += sliceEntries) {
    if (from > 0) await largeTurnsOf(app).next()
    const entries = JSON.stringify(list.slice(from, from + sliceEntries)).slice(1, -1)
    parts.push(Buffer.from(from > 0 ? `,${entries}` : entries))
  }
  parts.push(Buffer.from(']}'))
  return sendJson(reply, Buffer.concat(parts))
}

/**
 * Lets pages of any site call: the key in the request is what allows it, and no cookie is looked at. A beacon always comes
 * with the cookies that a browser has for us, and is sent only where a reply allows that by the origin's own name. `paths` are
 * the patterns that answer a browser's preflight.
 */
export function allowBrowsers(scope: FastifyInstance, paths: string[]): void {
  scope.addHook('onRequest', (request, reply, done) => {
    const { origin } = request.headers
    // Also in a reply to who names none: what keeps it must not give it to an origin that it does not allow.
    void reply.header('vary', 'Origin')
    if (origin !== undefined) {
      void reply.header('access-control-allow-origin', origin)
      void reply.header('access-control-allow-credentials', 'true')
      void reply.header('access-control-expose-headers', 'retry-after')
    }
    done()
  })
  for (const path of paths)
    scope.options(path, { config: { right: 'public' }, schema: { hide: true } }, (request, reply) => {
      void reply.header('access-control-allow-methods', 'GET, POST, PUT, DELETE')
      void reply.header(
        'access-control-allow-headers',
        request.headers['access-control-request-headers'] ?? 'content-type, authorization',
      )
      void reply.header('access-control-max-age', '86400')
      void reply.code(204).send()
    })
}

/** The project a key belongs to; the request's log line names it. Without a promise when the key is known, as it nearly always is. */
export function projectOf(app: App, request: FastifyRequest, key: unknown, refuse: () => ApiError) {
  const note = ({ projectId }: KeyOwner) => {
    ;(request as { projectId?: number }).projectId = projectId
    return projectId
  }
  const owner = ownerOf(app, key, refuse)
  return owner instanceof Promise ? owner.then(note) : note(owner)
}

/** User name and password of `Authorization: Basic …`. */
export function basicCredentials(header: string | undefined): { user: string; password: string } | undefined {
  if (header === undefined || !/^basic /i.test(header)) return undefined
  const text = Buffer.from(header.slice(6), 'base64').toString('utf8')
  const colon = text.indexOf(':')
  return colon === -1
    ? { user: text, password: '' }
    : { user: text.slice(0, colon), password: text.slice(colon + 1) }
}

/** The token of `Authorization: Bearer …`. */
export const bearerToken = (header: string | undefined) =>
  header !== undefined && /^bearer /i.test(header) ? header.slice(7).trim() : undefined

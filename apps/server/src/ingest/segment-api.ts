import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type Fields, isEmptyList } from '../audience/items/fields.ts'
import { type IngestLimits, limitsOf } from '../audience/items/limits.ts'
import type { App } from '../platform/app.ts'
import { ApiError, badRequest, unauthorized } from '../platform/errors.ts'
import { accept } from './accept.ts'
import { brief, readAlone, readCalls, takeBatch } from './batch.ts'
import { type Body, requireBody } from './body.ts'
import { browserSettings } from './browser-settings.ts'
import { explainAbsent } from './customer-io-absent.ts'
import { asSegment, asSegmentOrCustomerIo } from './dialects.ts'
import { boundLargeBodies } from './large-bodies.ts'
import { callToItems, callTypes } from './segment-requests.ts'
import { validateItem } from './validate-item.ts'
import { segmentAnswer, segmentBatchAnswer } from './vendor-answers.ts'
import {
  allowBrowsers,
  basicCredentials,
  bearerToken,
  projectOf,
  sendJson,
  sendWithList,
  speakAsVendor,
} from './vendor-api.ts'

const success = '{"success":true}'
const refuse = () =>
  unauthorized(
    'The write key is missing or unknown; send it as the user name of HTTP Basic, or as writeKey in the body or the query',
  )

/**
 * Segment's HTTP API: `/v1/identify`, `/v1/track` and so on, the one-letter paths of its browser library, `/v1/batch`,
 * `/v1/import` for historical data, and what RudderStack's browser library sends as a page closes, `/beacon/v1/batch`. Errors
 * are {@link asSegment}.
 */
export function segmentApi(app: App) {
  const limits = limitsOf(app, 'segment')

  const single = (type: string) => async (request: FastifyRequest, reply: FastifyReply) => {
    const body = requireBody(request)
    const projectId = await projectOf(app, request, writeKey(request, body), refuse)
    const call = validateItem(body.value, '', body, limits)
    const context = { now: app.now().getTime(), batch: {}, historical: false }
    const items = await readAlone(
      app,
      projectId,
      () => callToItems(type, call, context),
      () => ({ ...describe({ ...call, type }), acceptedAt: context.now, source: 'segment' }),
    )
    await accept(app, projectId, items)
    return sendJson(reply, success)
  }

  const batch = (historical: boolean) => async (request: FastifyRequest, reply: FastifyReply) => {
    const body = requireBody(request)
    const projectId = await projectOf(app, request, writeKey(request, body), refuse)
    const calls = readCalls(body, limits.batchItems, 'calls')
    const envelope = envelopeOf(body, limits)
    const context = { now: app.now().getTime(), batch: envelope, historical }
    const { items, refused } = await takeBatch(
      app,
      projectId,
      calls,
      {
        body,
        read: (value, path, body) => {
          const call = validateItem(value, path, body, limits)
          // The oldest clients say `action`.
          return callToItems(call.type ?? call.action, call, context)
        },
        describe,
        base: { acceptedAt: context.now, source: 'segment' },
      },
      request,
    )
    if (refused.length === 0) return sendJson(reply, success)
    const rejected = refused.map(({ index, reason, field }) => ({ index, reason, field }))
    if (items > 0) return sendWithList(app, reply, { success: true }, 'rejected', rejected)
    const { reason, field } = rejected[0]!
    const error = badRequest(
      `Nothing in the batch can be taken: ${reason}`,
      field === undefined ? 'batch.0' : `batch.0.${field}`,
    )
    return sendWithList(app, reply.code(error.status), asSegment(error), 'rejected', rejected)
  }

  return async (scope: FastifyInstance) => {
    speakAsVendor(
      scope,
      app,
      limits,
      (request) => {
        const key = keyOutsideBody(request)
        return key ? projectOf(app, request, key, refuse) : undefined
      },
      (error) => (error.status === 404 ? asSegmentOrCustomerIo(error) : asSegment(error)),
    )
    boundLargeBodies(scope, app)
    const paths: string[] = []
    const post = (path: string, handler: ReturnType<typeof single>, { hide = false, batch = false } = {}) => {
      paths.push(path)
      const response = batch ? segmentBatchAnswer : segmentAnswer
      const schema = { summary: `Segment spec: ${path}`, tags: ['segment'], response, hide }
      scope.post(path, { schema, config: { right: 'anyKey', highVolume: true, batch } }, handler)
    }
    for (const type of callTypes) {
      post(`/v1/${type}`, single(type))
      post(`/v1/${type[0]}`, single(type), { hide: true })
    }
    post('/v1/batch', batch(false), { batch: true })
    post('/v1/b', batch(false), { hide: true, batch: true })
    post('/v1/import', batch(true), { batch: true })
    post('/beacon/v1/batch', batch(false), { batch: true })
    // What Segment's browser library measures about itself. It is not kept, and no reason to show errors to a page's author.
    scope.post('/v1/m', { config: { right: 'public' }, schema: { hide: true } }, (_request, reply) =>
      sendJson(reply, success),
    )
    allowBrowsers(scope, [...paths, '/v1/m', ...browserSettings(scope, app)])
    scope.all('/v1/*', { config: { right: 'public' }, schema: { hide: true } }, async (request) => {
      throw unknownEndpoint(request, paths)
    })
    scope.all('/beacon/*', { config: { right: 'public' }, schema: { hide: true } }, async (request) => {
      throw unknownEndpoint(request, paths)
    })
  }
}

function unknownEndpoint(request: FastifyRequest, paths: string[]): ApiError {
  const path = request.url.split('?', 1)[0]!.slice(0, 200)
  if (paths.includes(path.endsWith('/') ? path.slice(0, -1) : path))
    return new ApiError(405, 'method_not_allowed', `${path} takes POST, not ${request.method}`)
  const absent = explainAbsent(path.slice('/v1/'.length))
  if (absent) return absent
  return new ApiError(404, 'not_found', `There is no ${path}; Fairway's REST API is at /docs`)
}

const describe = ({ userId, anonymousId, type, event, messageId }: Fields) => ({
  person: { id: brief(userId), anonymousId: brief(anonymousId) },
  call: { type: brief(type), name: brief(event), id: brief(messageId) },
})

/**
 * What the calls inherit. Of the common context only the small parts: copied into thousands of items, traits would make a
 * small request a huge one.
 */
function envelopeOf(body: Body, limits: IngestLimits): Fields {
  const { sentAt, context } = body.value as Fields
  if (context === undefined || context === null || isEmptyList(context)) return { sentAt }
  const { locale, timezone } = validateItem(context, 'context', body, limits)
  return { sentAt, context: { locale, timezone } }
}

function writeKey(request: FastifyRequest, { value }: Body): unknown {
  return keyOutsideBody(request) || (value as { writeKey?: unknown } | null)?.writeKey
}

function keyOutsideBody(request: FastifyRequest): unknown {
  const { writeKey } = request.query as { writeKey?: unknown }
  const header = request.headers.authorization
  const basic = basicCredentials(header)
  // Clients without a user name in their HTTP library put the key where the password goes.
  return basic?.user || basic?.password || bearerToken(header) || writeKey
}

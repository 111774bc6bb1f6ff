import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify'
import type { Fields } from '../audience/items/fields.ts'
import type { IngestItem } from '../audience/items/item.ts'
import { limitsOf } from '../audience/items/limits.ts'
import type { App } from '../platform/app.ts'
import { ApiError, unauthorized } from '../platform/errors.ts'
import { accept } from './accept.ts'
import { brief, readAlone } from './batch.ts'
import { bodyOrQuery } from './body.ts'
import { asTrackApi } from './dialects.ts'
import * as requests from './track-requests.ts'
import { validateItem } from './validate-item.ts'
import { trackAnswer } from './vendor-answers.ts'
import { allowBrowsers, projectOf, sendJson, speakAsVendor } from './vendor-api.ts'

/** Word for word what Vero answers: clients compare it. */
const success = '{"status":200,"message":"Success."}'
const refuse = () =>
  unauthorized('Invalid authentication: You must provide a valid auth_token to access this resource.')

type ToItems = (fields: Fields, now: number) => IngestItem[]

/** Clients disagree about the verbs, and older documentation with newer, so POST and PUT both work everywhere. */
const endpoints: [path: string, toItems: ToItems, methods: HTTPMethods[]][] = [
  ['users/track', requests.identify, ['POST', 'PUT']],
  ['users/edit', requests.editProperties, ['PUT', 'POST']],
  ['users/tags/edit', requests.editTags, ['PUT', 'POST']],
  ['users/reidentify', requests.reidentify, ['PUT', 'POST']],
  ['users/unsubscribe', requests.unsubscribe, ['POST', 'PUT']],
  ['users/resubscribe', requests.resubscribe, ['POST', 'PUT']],
  ['users/delete', requests.erase, ['POST', 'DELETE', 'PUT']],
  ['events/track', requests.trackEvent, ['POST', 'PUT']],
]

/**
 * Vero's Track API, `/api/v2/…`, as its clients really call it. Errors are {@link asTrackApi}.
 */
export function trackApi(app: App) {
  const limits = limitsOf(app, 'track')

  const handler =
    (path: string, toItems: ToItems) => async (request: FastifyRequest, reply: FastifyReply) => {
      const body = bodyOrQuery(request)
      const projectId = await projectOf(app, request, keyOf(request, body.value), refuse)
      const fields = validateItem(body.value, '', body, limits)
      const now = app.now().getTime()
      const items = await readAlone(
        app,
        projectId,
        () => toItems(fields, now),
        () => describe(path, fields, now),
      )
      await accept(app, projectId, items)
      return sendJson(reply, success)
    }

  return async (scope: FastifyInstance) => {
    speakAsVendor(
      scope,
      app,
      limits,
      (request) => {
        const key = keyInQuery(request)
        return key === undefined ? undefined : projectOf(app, request, key, refuse)
      },
      asTrackApi,
    )
    allowBrowsers(scope, ['/api/v2/*'])
    for (const [path, toItems, method] of endpoints) {
      for (const url of [`/api/v2/${path}`, `/api/v2/${path}.json`]) {
        const summary = `Track API: ${path}`
        const schema = { summary, tags: ['track api'], response: trackAnswer, hide: url.endsWith('.json') }
        scope.route({
          method,
          url,
          schema,
          config: { right: 'anyKey', highVolume: true },
          handler: handler(path, toItems),
        })
      }
    }
    scope.get(
      '/api/v2/heartbeat',
      { config: { right: 'public' }, schema: { hide: true } },
      (_request, reply) => sendJson(reply, success),
    )
    const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']
    scope.route({
      method: methods,
      url: '/api/v2/*',
      config: { right: 'public' },
      schema: { hide: true },
      handler: async (request) => {
        throw unknownEndpoint(request)
      },
    })
  }
}

function describe(path: string, fields: Fields, acceptedAt: number) {
  const who = (
    typeof fields.identity === 'object' && fields.identity !== null ? fields.identity : fields
  ) as Fields
  return {
    person: { id: brief(who.id), email: brief(who.email) },
    call: { type: path, name: brief(fields.event_name) },
    source: 'track_api',
    acceptedAt,
  }
}

/** The same credential has two names and two places. */
function keyOf(request: FastifyRequest, value: unknown): unknown {
  const fields = (typeof value === 'object' && value !== null ? value : {}) as Fields
  return keyInQuery(request) ?? fields.auth_token ?? fields.tracking_api_key
}

function keyInQuery({ query }: FastifyRequest): unknown {
  const { auth_token, tracking_api_key } = query as Fields
  return auth_token ?? tracking_api_key
}

function unknownEndpoint(request: FastifyRequest): ApiError {
  const path = request.url.split('?', 1)[0]!.slice('/api/v2/'.length)
  const known = endpoints.find(([name]) => name === path.replace(/(\.json)?\/?$/, ''))
  if (known === undefined) return new ApiError(404, 'not_found', `There is no /api/v2/${path.slice(0, 200)}`)
  return new ApiError(
    405,
    'method_not_allowed',
    `/api/v2/${known[0]} takes ${known[2].join(' or ')}, not ${request.method}`,
  )
}

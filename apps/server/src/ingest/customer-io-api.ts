import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify'
import { type Fields, isEmptyList } from '../audience/items/fields.ts'
import type { IngestItem } from '../audience/items/item.ts'
import { limitsOf } from '../audience/items/limits.ts'
import type { App } from '../platform/app.ts'
import { notFound, unauthorized } from '../platform/errors.ts'
import { accept } from './accept.ts'
import { brief, readAlone, readCalls, takeBatch } from './batch.ts'
import { type Body, requireBody } from './body.ts'
import { absentPaths, explainAbsent } from './customer-io-absent.ts'
import * as requests from './customer-io-requests.ts'
import { asCustomerIo } from './dialects.ts'
import { validateItem } from './validate-item.ts'
import { customerIoAnswer, customerIoBatchAnswer, customerIoRegion } from './vendor-answers.ts'
import {
  basicCredentials,
  bearerToken,
  projectOf,
  sendJson,
  sendWithList,
  speakAsVendor,
} from './vendor-api.ts'

const success = '{}'
const refuse = () =>
  unauthorized(
    'The credentials are unknown; use HTTP Basic with the project id as site id and a tracking key as API key',
  )

interface Params {
  id: string
  token: string
}

type ToItem = (params: Params, fields: Fields, now: number) => IngestItem

const endpoints: [methods: HTTPMethods, path: string, needsBody: boolean, toItem: ToItem][] = [
  [
    'PUT',
    '/customers/:id',
    false,
    ({ id }, fields, now) => requests.identify(requests.personInPath(id), fields, now),
  ],
  ['DELETE', '/customers/:id', false, ({ id }, _, now) => requests.erase(requests.personInPath(id), now)],
  [
    'POST',
    '/customers/:id/events',
    true,
    ({ id }, fields, now) => requests.event(requests.personInPath(id), fields, now),
  ],
  ['POST', '/events', true, (_, fields, now) => requests.anonymousEvent(fields, now)],
  [
    'PUT',
    '/customers/:id/devices',
    true,
    ({ id }, fields, now) => requests.addDevice(requests.personInPath(id), fields, now),
  ],
  [
    'DELETE',
    '/customers/:id/devices/:token',
    false,
    ({ id, token }, _, now) => requests.removeDevice(requests.personInPath(id), token, now),
  ],
  [
    'POST',
    '/customers/:id/suppress',
    false,
    ({ id }, _, now) => requests.suppress(requests.personInPath(id), true, now),
  ],
  [
    'POST',
    '/customers/:id/unsuppress',
    false,
    ({ id }, _, now) => requests.suppress(requests.personInPath(id), false, now),
  ],
  ['POST', '/merge_customers', true, (_, fields, now) => requests.merge(fields, now)],
]

/**
 * Customer.io's Track API: `/api/v1/customers…` and its neighbours, `/api/v2/entity` and `/api/v2/batch`. Errors are
 * {@link asCustomerIo}.
 */
export function customerIoApi(app: App) {
  const limits = limitsOf(app, 'customerIo')

  const single =
    (toItem: ToItem, needsBody: boolean) => async (request: FastifyRequest, reply: FastifyReply) => {
      const projectId = await authenticate(app, request)
      const body = needsBody ? requireBody(request) : (request.body as Body | undefined)
      const fields =
        body === undefined || isEmptyList(body.value) ? {} : validateItem(body.value, '', body, limits)
      const params = validateItem(
        request.params,
        '',
        { value: request.params, bytes: 0, suspicious: true },
        limits,
      )
      const now = app.now().getTime()
      const items = await readAlone(
        app,
        projectId,
        () => [toItem(params as unknown as Params, fields, now)],
        () => ({
          ...describe({ identifiers: fields.primary ?? params, ...fields }),
          acceptedAt: now,
          source: 'customer_io',
        }),
      )
      await accept(app, projectId, items)
      return sendJson(reply, success)
    }

  const batch = async (request: FastifyRequest, reply: FastifyReply) => {
    const projectId = await authenticate(app, request)
    const body = requireBody(request)
    const now = app.now().getTime()
    const operations = readCalls(body, limits.batchItems, 'operations')
    const { items, refused } = await takeBatch(
      app,
      projectId,
      operations,
      {
        body,
        read: (value, path, body) => [requests.operation(validateItem(value, path, body, limits), now)],
        describe,
        base: { acceptedAt: now, source: 'customer_io' },
      },
      request,
    )
    if (refused.length === 0) return sendJson(reply, success)
    const errors = refused.map(({ index, code, field, reason }) => ({
      batch_index: index,
      reason: code,
      field,
      message: reason,
    }))
    // 207 is Customer.io's answer to a partly bad batch.
    return sendWithList(app, reply.code(items > 0 ? 207 : 400), {}, 'errors', errors)
  }

  return async (scope: FastifyInstance) => {
    speakAsVendor(scope, app, limits, (request) => authenticate(app, request), asCustomerIo)
    const config = { right: 'anyKey', highVolume: true } as const
    const schema = (path: string, response: object = customerIoAnswer) => ({
      summary: `Customer.io Track API: ${path}`,
      tags: ['customer.io'],
      response,
    })

    for (const [method, path, needsBody, toItem] of endpoints)
      scope.route({
        method,
        url: `/api/v1${path}`,
        schema: schema(path),
        config,
        handler: single(toItem, needsBody),
      })
    scope.post(
      '/api/v2/entity',
      { schema: schema('v2 entity'), config },
      single((_, fields, now) => requests.operation(fields, now), true),
    )
    scope.post(
      '/api/v2/batch',
      { schema: schema('v2 batch', customerIoBatchAnswer), config: { ...config, batch: true } },
      batch,
    )

    scope.get(
      '/api/v1/accounts/region',
      { schema: schema('region', customerIoRegion), config: { right: 'anyKey' } },
      async (request) => ({
        url: `${request.protocol}://${request.host}`,
        region: 'self-hosted',
        environment_id: await authenticate(app, request),
      }),
    )
    for (const url of ['/api/v1/customers/*', ...absentPaths])
      scope.all(url, { config: { right: 'public' }, schema: { hide: true } }, async (request) => {
        const path = request.url.split('?', 1)[0]!.slice('/api/v1/'.length)
        throw explainAbsent(path) ?? notFound('This path of the Customer.io API')
      })
  }
}

/** Basic `siteId:apiKey`. A numeric site id must be the key's project, so that mixed-up credentials are noticed. */
async function authenticate(app: App, request: FastifyRequest): Promise<number> {
  const header = request.headers.authorization
  const basic = basicCredentials(header)
  const projectId = await projectOf(app, request, basic?.password || bearerToken(header), refuse)
  if (basic !== undefined && /^\d+$/.test(basic.user) && Number(basic.user) !== projectId)
    throw unauthorized(`The API key is not one of project ${basic.user.slice(0, 20)}; check the site id`)
  return projectId
}

function describe({ identifiers, action, name, id }: Fields) {
  const who = (typeof identifiers === 'object' && identifiers !== null ? identifiers : {}) as Fields
  return {
    person: { id: brief(who.id), email: brief(who.email) },
    call: { type: brief(action), name: brief(name), id: brief(id) },
  }
}

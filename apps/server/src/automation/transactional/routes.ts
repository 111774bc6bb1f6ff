import { Delivery } from '@fairway/api'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { attemptsOf } from '../../accounts/attempts.ts'
import { findKey } from '../../accounts/keys.ts'
import { maxDepth } from '../../audience/items/limits.ts'
import { senderRules } from '../../messaging/templates/sender.ts'
import type { App } from '../../platform/app.ts'
import { ApiError, badRequest, forbidden, unauthorized } from '../../platform/errors.ts'
import { ok } from '../../platform/http/answers.ts'
import { type JsonRules, measureJson } from '../../platform/json-limits.ts'
import { boundStructure } from '../../platform/json-structure.ts'
import { toApiError } from '../../platform/to-api-error.ts'
import { readSendRequest } from './request.ts'
import { sendTransactional } from './send.ts'

/** 2 MB of attachments are 2.7 MB as base64; the rest is the mail. */
const bodyLimit = 5 * 1024 * 1024
/** A mail may list many things: 100 KiB of data are 20,000 short members. */
const rules: JsonRules = { depth: maxDepth, keys: 20_000, prototypeNames: 'drop', refuse: badRequest }

/**
 * Customer.io's App API for transactional mail: `POST /v1/send/email` with `Authorization: Bearer <secret key>`.
 * Errors come as `{"meta":{"error":"…"}}`.
 */
export const transactionalRoutes = (app: App) => async (scope: FastifyInstance) => {
  scope.setErrorHandler((thrown, request, reply) => {
    const error = toApiError(thrown)
    if (error.status >= 500) {
      const level = error.status === 503 ? 'warn' : 'error'
      app.log[level]({ requestId: request.id, err: thrown }, 'a transactional message was not accepted')
    }
    if (error.retryAfterSeconds !== undefined) void reply.header('retry-after', error.retryAfterSeconds)
    return reply
      .code(error.status)
      .send({ meta: { error: error.message, code: error.code, field: error.field } })
  })
  // Whatever the content type says: curl sends JSON as a form unless told otherwise.
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit }, (_request, raw, done) => {
    try {
      boundStructure(raw as Buffer, 2 * rules.keys, rules.refuse)
      const body = JSON.parse(raw.toString('utf8'))
      // What can't be stored is replaced in the mail: it shall arrive all the same.
      if (typeof body === 'object' && body !== null) measureJson(body, '', rules)
      done(null, body)
    } catch (error) {
      if (error instanceof ApiError) return done(error)
      done(badRequest(`The body is not valid JSON: ${(error as Error).message.slice(0, 200)}`))
    }
  })

  scope.post(
    '/v1/send/email',
    {
      bodyLimit,
      // Before the body is read.
      onRequest: async (request) => {
        await authenticate(app, request)
      },
      config: { right: 'secretKey', highVolume: true },
      schema: {
        summary: 'Send a transactional email',
        description:
          "Customer.io's shape. With `Idempotency-Key`, a repeated request is the same message, and another request with that key is refused (422). Sent ahead of everything, " +
          'to people who unsubscribed from marketing too, but never to suppressed addresses. `legal_reason` says why the law asks for it: ' +
          'such a message goes to the same people, but not ahead of others.',
        tags: ['transactional'],
        security: [{ secretKey: [] }],
        response: ok(Delivery),
      },
    },
    async (request) => {
      const key = request.headers['idempotency-key']
      const send = readSendRequest(
        request.body,
        typeof key === 'string' ? key : undefined,
        app.now(),
        senderRules(app.config),
      )
      const { messageId, acceptedAt } = await sendTransactional(app, request.projectId!, send)
      return { delivery_id: messageId, queued_at: Math.floor(acceptedAt.getTime() / 1000) }
    },
  )
}

async function authenticate(app: App, request: FastifyRequest): Promise<void> {
  const token = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1]
  const owner = token === undefined ? null : await findKey(app, token)
  if (!owner) {
    attemptsOf(app).failedAuth.count(request.ip)
    throw unauthorized('Send a secret key of the project as `Authorization: Bearer <secretKey>`')
  }
  if (owner.kind !== 'secret') throw forbidden('This is a tracking key; sending mail needs a secret key')
  request.projectId = owner.projectId
}

import { STATUS_CODES } from 'node:http'
import type { FastifyInstance, FastifyReply, FastifyRequest, FastifySchemaValidationError } from 'fastify'
import { dialectOf } from '../ingest/dialects.ts'
import { ApiError, notFound } from '../platform/errors.ts'
import { applyPolicy } from '../platform/http/response-headers.ts'
import { toApiError } from '../platform/to-api-error.ts'

/** Answers every error as an RFC 9457 problem document, and every unknown path as a 404. */
export function renderProblems(server: FastifyInstance): void {
  server.setErrorHandler((error, request, reply) => {
    const invalid = (error as { validation?: FastifySchemaValidationError[] } | null)?.validation
    return sendProblem(
      request,
      reply,
      invalid ? fromValidation(invalid) : nameField(toApiError(error), request),
    )
  })
}

export const sendNotFound = (request: FastifyRequest, reply: FastifyReply) =>
  sendProblem(request, reply, notFound(`${request.method} ${pathOf(request)}`))

/** What could not be routed: no hook has run, and no scope of an API has its say. */
export function sendUnroutable(thrown: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const error = toApiError(thrown)
  applyPolicy(reply, 'data')
  const render = dialectOf(pathOf(request))
  if (!render) return void sendProblem(request, reply, error)
  void reply.code(error.status).header('content-type', 'application/json; charset=utf-8')
  void reply.serializer(JSON.stringify).send(render(error))
}

/** Without the query string: keys travel in it. */
export const pathOf = (request: FastifyRequest) => request.url.split('?', 1)[0]!

export function sendProblem(request: FastifyRequest, reply: FastifyReply, error: ApiError) {
  // A value that PostgreSQL refused should have been refused before: worth a line.
  if (error.status >= 500 || isRefusedByDatabase(error)) {
    request.log[error.status === 500 ? 'error' : 'warn'](
      { requestId: request.id, err: error.cause ?? error },
      'request failed',
    )
  }
  if (error.retryAfterSeconds !== undefined) void reply.header('retry-after', error.retryAfterSeconds)
  if (error.status === 401) void reply.header('www-authenticate', 'Bearer')
  return reply
    .code(error.status)
    .type('application/problem+json')
    .serializer(JSON.stringify)
    .send({
      title: STATUS_CODES[error.status] ?? 'Error',
      status: error.status,
      detail: error.message,
      code: error.code,
      field: error.field,
      requestId: request.id,
      ...error.extra,
    })
}

const isRefusedByDatabase = ({ status, cause }: ApiError) => status === 422 && cause instanceof Error

/** PostgreSQL quotes the value that it refuses, and not where we had it from: that is looked up in the request. */
function nameField(error: ApiError, { params, query }: FastifyRequest): ApiError {
  if (error.field !== undefined || !isRefusedByDatabase(error)) return error
  const refused = /"(.*)"/s.exec(error.message)?.[1]
  const sent = Object.entries({ ...(query as object), ...(params as object) })
  const found =
    sent.find(([, value]) => String(value) === refused) ??
    sent.find(([, value]) => String(value).includes('\0')) ??
    sent.find(([name]) => name === 'cursor')
  const { status, code, message, cause } = error
  return found ? new ApiError(status, code, message, { field: found[0], cause }) : error
}

/** Names the first offending field, and lists all of them. */
export function fromValidation(errors: FastifySchemaValidationError[]): ApiError {
  const problems = explain(errors)
  const first = problems[0] ?? { field: '', message: 'is not valid' }
  const detail = `${first.field || 'The request'} ${first.message}.`
  return new ApiError(422, 'invalid_field', detail, {
    field: first.field || undefined,
    extra: { errors: problems },
  })
}

interface FieldProblem {
  field: string
  message: string
}

function explain(errors: FastifySchemaValidationError[]): FieldProblem[] {
  const problems = new Map<string, FieldProblem>()
  const alternatives = new Map<string, string[]>()
  for (const { keyword, instancePath, params, message } of errors) {
    const path = instancePath.slice(1).split('/').filter(Boolean)
    const add = (field: string, text: string) =>
      problems.set(field, problems.get(field) ?? { field, message: text })
    const field = path.join('.')
    if (keyword === 'required') {
      for (const name of params.requiredProperties as string[]) add([...path, name].join('.'), 'is required')
    } else if (keyword === 'additionalProperties') {
      for (const name of params.additionalProperties as string[])
        add([...path, name].join('.'), 'is not a known field')
    } else if (keyword === 'const' || keyword === 'type') {
      // The branches of a union come one by one.
      const choice =
        keyword === 'const' ? JSON.stringify(params.allowedValue) : [params.type].flat().join(' or ')
      const choices = [...new Set([...(alternatives.get(field) ?? []), choice])]
      alternatives.set(field, choices)
      problems.set(field, { field, message: `must be ${choices.join(' or ')}` })
    } else if (keyword === 'enum') {
      add(
        field,
        `must be one of ${(params.allowedValues as unknown[]).map((value) => JSON.stringify(value)).join(', ')}`,
      )
    } else if (keyword !== 'anyOf' && keyword !== 'boolean') {
      add(field, message ?? 'is not valid')
    }
  }
  return [...problems.values()]
}

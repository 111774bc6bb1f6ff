import { subscribe } from 'node:diagnostics_channel'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { TSchema } from 'typebox'
import { Compile, type Validator } from 'typebox/compile'

/**
 * Holds every good answer of the servers in this process against what its route declares (`schema.response`, made by
 * platform/http/answers.ts): nothing may be missing, of another type, or more than is declared.
 */
export const answerFaults: string[] = []

/** Routes whose declared answer was seen, as `GET /api/v1/session`. */
export const checkedRoutes = new Set<string>()

/** @throws {Error} with all faults since the last call. */
export function requireDeclaredAnswers(): void {
  const faults = new Set(answerFaults.splice(0))
  if (faults.size > 0) throw new Error(`Answers are not as declared:\n${[...faults].join('\n')}`)
}

// Every server that is made in this process announces itself, before its first route.
subscribe('fastify.initialization', (message) => {
  const { fastify } = message as { fastify: FastifyInstance }
  fastify.addHook('onSend', async (request, reply, payload) => {
    const fault = faultOf(request, reply, payload)
    if (fault !== undefined) {
      const { method, url } = request.routeOptions
      answerFaults.push(`${method} ${url}, ${reply.statusCode}: ${fault}`)
    }
    return payload
  })
})

interface Declared {
  type?: string
  content?: Record<string, unknown>
}

function faultOf(request: FastifyRequest, reply: FastifyReply, payload: unknown): string | undefined {
  const response = request.routeOptions.schema?.response as Record<number, Declared> | undefined
  if (!response || reply.statusCode < 200 || reply.statusCode > 299) return undefined
  checkedRoutes.add(`${request.method} ${request.routeOptions.url}`)
  const declared = response[reply.statusCode]
  if (!declared) return `only ${Object.keys(response).join(', ')} is declared`
  if (declared.type === 'null')
    return payload === undefined || payload === null || payload === '' ? undefined : 'no content is declared'
  const [type] = String(reply.getHeader('content-type')).split(';')
  const types = declared.content ? Object.keys(declared.content) : ['application/json']
  if (!types.includes(type!)) return `is ${type}; ${types.join(', ')} is declared`
  if (declared.content || (typeof payload !== 'string' && !Buffer.isBuffer(payload))) return undefined
  return differenceOf(declared as TSchema, JSON.parse(payload.toString()))
}

const validators = new WeakMap<object, Validator>()

function differenceOf(schema: TSchema, answer: unknown): string | undefined {
  const validator = validators.get(schema) ?? Compile(strict(schema) as TSchema)
  validators.set(schema, validator)
  if (validator.Check(answer)) return undefined
  return validator
    .Errors(answer)
    .slice(0, 5)
    .map(({ instancePath, message, params }) => {
      const found = JSON.stringify(at(answer, instancePath)) ?? 'nothing'
      return `${instancePath || '/'} ${message} ${JSON.stringify(params)}, found ${found.slice(0, 300)}`
    })
    .join('\n  ')
}

/** The same schema, in which objects with declared members have no others. */
function strict(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(strict)
  if (typeof schema !== 'object' || schema === null) return schema
  const closed = 'properties' in schema && !('additionalProperties' in schema)
  const members = Object.entries(schema).map(([keyword, value]) => [
    keyword,
    keyword === 'properties' || keyword === 'patternProperties' ? strictMembers(value) : strict(value),
  ])
  return { ...Object.fromEntries(members), ...(closed && { additionalProperties: false }) }
}

const strictMembers = (members: object) =>
  Object.fromEntries(Object.entries(members).map(([name, schema]) => [name, strict(schema)]))

const at = (answer: unknown, path: string): unknown =>
  path
    .split('/')
    .slice(1)
    .reduce<unknown>((value, part) => {
      const name = part.replaceAll('~1', '/').replaceAll('~0', '~')
      return (value as Record<string, unknown> | undefined)?.[name]
    }, answer)

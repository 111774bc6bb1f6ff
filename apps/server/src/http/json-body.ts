import { isUtf8 } from 'node:buffer'
import type { FastifyInstance } from 'fastify'
import { maxDepth, maxKeys } from '../audience/items/limits.ts'
import { ApiError } from '../platform/errors.ts'
import {
  cleanJson,
  type conditionsInBody,
  type itemInBody,
  type JsonRules,
  type longListInBody,
} from '../platform/json-limits.ts'
import { boundStructure, fewValues } from '../platform/json-structure.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Where a body is not as usual: {@link conditionsInBody}, {@link longListInBody}, {@link itemInBody}. */
    json?: Partial<Pick<JsonRules, 'depth' | 'keys' | 'refuse'>>
  }
}

const usual: JsonRules = {
  depth: maxDepth,
  keys: maxKeys,
  prototypeNames: 'refuse',
  refuse: (message, field) => new ApiError(422, 'invalid_field', message, { field }),
  // No client of ours writes it, and no JSON of theirs needs it.
  refuseName: (message, field) => new ApiError(400, 'malformed_json', message, { field }),
}

/**
 * Bodies of REST: JSON, within the limits that ingestion has, and without what can't be stored. It is read before anything
 * is done, so that what is refused was not begun. Scopes with parsers of their own don't come here.
 */
export function readJsonBodies(server: FastifyInstance): void {
  server.removeAllContentTypeParsers()
  server.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, raw, done) => {
    try {
      done(null, readJson(raw as Buffer, { ...usual, ...request.routeOptions.config.json }))
    } catch (error) {
      done(error as Error)
    }
  })
}

function readJson(raw: Buffer, rules: JsonRules): unknown {
  if (raw.length === 0) throw malformed('The body is empty: send a JSON object, or leave out Content-Type.')
  if (!isUtf8(raw)) throw malformed('The body is not valid UTF-8: encode it as UTF-8.')
  // Each key may be an object of its own, which counts twice.
  boundStructure(raw, Math.max(fewValues, 2 * rules.keys), rules.refuse)
  return cleanJson(parse(raw.toString('utf8')), '', rules).value
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text)
  } catch (error) {
    throw malformed(`The body is not valid JSON: ${(error as Error).message.slice(0, 200)}`)
  }
}

const malformed = (detail: string) => new ApiError(400, 'malformed_json', detail)

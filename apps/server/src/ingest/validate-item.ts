import type { Fields } from '../audience/items/fields.ts'
import { type IngestLimits, maxDepth, maxKeys } from '../audience/items/limits.ts'
import { badRequest, tooLarge } from '../platform/errors.ts'
import { cleanJson, type JsonRules, measureJson, tooManyKeys } from '../platform/json-limits.ts'
import type { Body } from './body.ts'

const rules: JsonRules = { depth: maxDepth, keys: maxKeys, prototypeNames: 'drop', refuse: badRequest }

/**
 * Checks one item against the limits and makes it storable.
 *
 * @param path how the sender would name the item, '' for the whole body
 * @throws {ApiError} 400 or 413 naming the field
 */
export function validateItem(value: unknown, path: string, body: Body, limits: IngestLimits): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw badRequest(`${path || 'The body'} must be a JSON object`, path || undefined)
  const checked = body.suspicious
    ? cleanJson(value, path, rules)
    : { value, characters: measureJson(value, path, rules) }
  // Where the check found fewer, because some keys were the same.
  if (body.isCut) throw tooManyKeys(path, { rules })
  const fields = checked.value as Fields
  if (body.bytes > limits.eventBytes) checkSize(fields, path, checked.characters, body, limits.eventBytes)
  return fields
}

/** A character takes at most three bytes of UTF-8 (four take two), so small items need no exact measure. */
function checkSize(fields: Fields, path: string, characters: number, body: Body, limit: number) {
  if (path !== '' && characters * 3 <= limit) return
  const bytes = path === '' ? body.bytes : Buffer.byteLength(JSON.stringify(fields))
  if (bytes > limit)
    throw tooLarge(`${path || 'The body'} is ${bytes} bytes; one event may have ${limit}`, path || undefined)
}

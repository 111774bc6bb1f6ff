import { badRequest, tooLarge } from '../errors.ts'
import type { Body } from './body.ts'
import { type IngestLimits, maxDepth, maxKeys } from './limits.ts'

export type Fields = Record<string, unknown>

/**
 * Checks one item against the limits and makes it storable. PostgreSQL stores neither NUL nor half of a surrogate pair:
 * NUL is refused with the name of its field, for it means broken data; a lone half, which is what clients leave when
 * they cut a text inside an emoji, becomes U+FFFD. A `__proto__` key is dropped.
 *
 * @param path how the sender would name the item, '' for the whole body
 * @throws {ApiError} 400 or 413 naming the field
 */
export function vet(value: unknown, path: string, body: Body, limits: IngestLimits): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw badRequest(`${path || 'The body'} must be a JSON object`, path || undefined)
  const walk: Walk = { keys: 0, characters: 0 }
  const fields = body.suspicious ? (clean(value, path, walk, 1) as Fields) : (value as Fields)
  if (!body.suspicious) measure(value as Fields, path, walk, 1)
  if (body.bytes > limits.eventBytes) checkSize(fields, path, walk, body, limits.eventBytes)
  return fields
}

interface Walk {
  keys: number
  /** About how long the item is as JSON text. */
  characters: number
}

/** A character takes at most three bytes of UTF-8 (four take two), so small items need no exact measure. */
function checkSize(fields: Fields, path: string, walk: Walk, body: Body, limit: number) {
  if (path !== '' && walk.characters * 3 <= limit) return
  const bytes = path === '' ? body.bytes : Buffer.byteLength(JSON.stringify(fields))
  if (bytes > limit)
    throw tooLarge(`${path || 'The body'} is ${bytes} bytes; one event may have ${limit}`, path || undefined)
}

/** The quick check, for text in which nothing needs cleaning. */
function measure(value: object, path: string, walk: Walk, depth: number): void {
  if (depth > maxDepth) throw tooDeep(path)
  if (Array.isArray(value)) {
    if ((walk.keys += value.length) > maxKeys) throw tooManyKeys(path)
    for (let i = 0; i < value.length; i++) measureMember(value[i], path, i, walk, depth)
    return
  }
  for (const key in value) {
    if (++walk.keys > maxKeys) throw tooManyKeys(path)
    walk.characters += key.length + 4
    measureMember((value as Fields)[key], path, key, walk, depth)
  }
}

function measureMember(member: unknown, path: string, key: string | number, walk: Walk, depth: number) {
  if (typeof member === 'string') walk.characters += member.length + 3
  else if (typeof member === 'object' && member !== null) measure(member, join(path, key), walk, depth + 1)
  else if (typeof member === 'number' && !Number.isFinite(member)) throw outOfRange(join(path, key))
  else walk.characters += 8
}

/** The thorough one: the same checks, and a copy without what can't be stored. */
function clean(value: unknown, path: string, walk: Walk, depth: number): unknown {
  if (typeof value === 'string') return cleanText(value, path, walk)
  if (typeof value === 'number' && !Number.isFinite(value)) throw outOfRange(path)
  if (typeof value !== 'object' || value === null) {
    walk.characters += 8
    return value
  }
  if (depth > maxDepth) throw tooDeep(path)
  if (Array.isArray(value)) {
    if ((walk.keys += value.length) > maxKeys) throw tooManyKeys(path)
    return value.map((element, i) => clean(element, join(path, i), walk, depth + 1))
  }
  const copy: Fields = {}
  for (const key of Object.keys(value)) {
    if (key === '__proto__') continue
    if (++walk.keys > maxKeys) throw tooManyKeys(path)
    copy[cleanText(key, path, walk)] = clean((value as Fields)[key], join(path, key), walk, depth + 1)
  }
  return copy
}

const loneSurrogate = /\p{Surrogate}/gu

function cleanText(text: string, path: string, walk: Walk): string {
  walk.characters += text.length + 3
  if (text.includes('\0'))
    throw badRequest(`${path || 'A key'} contains a NUL character (\\u0000); remove it`, path || undefined)
  return text.replace(loneSurrogate, '\ufffd')
}

const join = (path: string, key: string | number) =>
  (path === '' ? String(key) : `${path}.${key}`).slice(0, 200)

const tooDeep = (path: string) =>
  badRequest(`${shown(path)} is nested deeper than ${maxDepth} levels; flatten it`, topLevel(path))

const tooManyKeys = (path: string) =>
  badRequest(`${shown(path)} has more than ${maxKeys} keys; send fewer properties`, topLevel(path))

const outOfRange = (path: string) =>
  badRequest(`${path} is a number beyond ±1.8e308; send it as a string`, path)

/** Paths into hostile nesting are long: the first few members are enough to find the place. */
const topLevel = (path: string) => path.split('.', 4).join('.') || undefined
const shown = (path: string) => topLevel(path) ?? 'The body'

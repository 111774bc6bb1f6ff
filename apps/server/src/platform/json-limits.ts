import { type ApiError, badRequest } from './errors.ts'

type Fields = Record<string, unknown>

/** What JSON that others wrote may be; both APIs check it before anything looks at the values. */
export interface JsonRules {
  /** Objects and arrays inside one another. */
  depth: number
  /** Keys and array elements, all levels together. */
  keys: number
  /** `__proto__`, by which a careless copy would change the prototype of all objects. Refused is `constructor.prototype`, too. */
  prototypeNames: 'drop' | 'refuse'
  refuse: (message: string, field?: string) => ApiError
  /** Of a prototype's name: default as of everything else. */
  refuseName?: (message: string, field: string) => ApiError
}

/** 100 conditions in 10 levels of groups, each of them an object and a list, with filters and lists of 100 values. */
export const conditionsInBody = { depth: 40, keys: 15_000 }
/** A person is an item of ingestion, and refused as there. */
export const itemInBody = { refuse: badRequest }
/** 2,000 people, or 1,000 columns with what becomes of each. */
export const longListInBody = { keys: 5_000 }

interface Walk {
  readonly rules: JsonRules
  seen: number
  /** About how long the value is as JSON text. */
  characters: number
}

const walkOf = (rules: JsonRules): Walk => ({ rules, seen: 0, characters: 0 })

/** NUL and lone surrogates can only come into JSON text as escapes. */
export const mayNeedCleaning = (json: string | Buffer) => json.includes('\\u') || json.includes('__proto__')

/**
 * The quick check, for text in which nothing needs cleaning.
 *
 * @param path how the sender would name the value, '' for the whole body
 * @returns about how long the value is as JSON text
 */
export function measureJson(value: object, path: string, rules: JsonRules): number {
  const walk = walkOf(rules)
  measure(value, path, walk, 1)
  return walk.characters
}

/**
 * The thorough one: the same checks, and a copy that can be stored. PostgreSQL stores neither NUL nor half of a surrogate
 * pair: NUL is refused with the name of its field, for it means broken data; a lone half, which is what clients leave
 * when they cut a text inside an emoji, becomes U+FFFD.
 */
export function cleanJson(
  value: unknown,
  path: string,
  rules: JsonRules,
): { value: unknown; characters: number } {
  const walk = walkOf(rules)
  const copy = clean(value, path, walk, 1)
  return { value: copy, characters: walk.characters }
}

function measure(value: object, path: string, walk: Walk, depth: number): void {
  if (depth > walk.rules.depth) throw tooDeep(path, walk)
  if (Array.isArray(value)) {
    if ((walk.seen += value.length) > walk.rules.keys) throw tooManyKeys(path, walk)
    for (let i = 0; i < value.length; i++) measureMember(value[i], path, i, walk, depth)
    return
  }
  for (const key in value) {
    if (++walk.seen > walk.rules.keys) throw tooManyKeys(path, walk)
    walk.characters += key.length + 4
    measureMember((value as Fields)[key], path, key, walk, depth)
  }
}

function measureMember(member: unknown, path: string, key: string | number, walk: Walk, depth: number) {
  if (typeof member === 'string') walk.characters += member.length + 3
  else if (typeof member === 'object' && member !== null) measure(member, join(path, key), walk, depth + 1)
  else if (typeof member === 'number' && !Number.isFinite(member)) throw outOfRange(join(path, key), walk)
  else walk.characters += 8
}

function clean(value: unknown, path: string, walk: Walk, depth: number): unknown {
  if (typeof value === 'string') return cleanText(value, path, walk)
  if (typeof value === 'number' && !Number.isFinite(value)) throw outOfRange(path, walk)
  if (typeof value !== 'object' || value === null) {
    walk.characters += 8
    return value
  }
  if (depth > walk.rules.depth) throw tooDeep(path, walk)
  if (Array.isArray(value)) {
    if ((walk.seen += value.length) > walk.rules.keys) throw tooManyKeys(path, walk)
    return value.map((element, i) => clean(element, join(path, i), walk, depth + 1))
  }
  const copy: Fields = {}
  for (const key of Object.keys(value)) {
    const member = (value as Fields)[key]
    if (walk.rules.prototypeNames === 'refuse' && mayPollute(key, member))
      throw (walk.rules.refuseName ?? walk.rules.refuse)(
        `${join(path, key)} is a name that no property may have`,
        join(path, key),
      )
    if (key === '__proto__') continue
    if (++walk.seen > walk.rules.keys) throw tooManyKeys(path, walk)
    copy[cleanText(key, path, walk)] = clean(member, join(path, key), walk, depth + 1)
  }
  return copy
}

/** `constructor` alone is a word like others; with a `prototype` inside it is an attempt. */
const mayPollute = (key: string, member: unknown) =>
  key === '__proto__' ||
  (key === 'constructor' &&
    typeof member === 'object' &&
    member !== null &&
    Object.hasOwn(member, 'prototype'))

function cleanText(text: string, path: string, walk: Walk): string {
  walk.characters += text.length + 3
  if (text.includes('\0'))
    throw walk.rules.refuse(
      `${path || 'A key'} contains a NUL character (\\u0000); remove it`,
      path || undefined,
    )
  return text.toWellFormed()
}

const join = (path: string, key: string | number) =>
  (path === '' ? String(key) : `${path}.${key}`).slice(0, 200)

const tooDeep = (path: string, { rules: { depth, refuse } }: Walk) =>
  refuse(`${shown(path)} is nested deeper than ${depth} levels; flatten it`, topLevel(path))

export const tooManyKeys = (path: string, { rules: { keys, refuse } }: { rules: JsonRules }) =>
  refuse(`${shown(path)} has more than ${keys} keys; send fewer properties`, topLevel(path))

const outOfRange = (path: string, { rules: { refuse } }: Walk) =>
  refuse(`${path} is a number beyond ±1.8e308; send it as a string`, path)

/** Paths into hostile nesting are long: the first few members are enough to find the place. */
const topLevel = (path: string) => path.split('.', 4).join('.') || undefined
const shown = (path: string) => topLevel(path) ?? 'The body'

import { isUtf8 } from 'node:buffer'
import busboy from 'busboy'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import qs from 'qs'
import { type IngestLimits, keylessLimits, maxKeys, maxValues } from '../audience/items/limits.ts'
import { ApiError, badRequest, tooLarge } from '../platform/errors.ts'
import { mayNeedCleaning } from '../platform/json-limits.ts'
import { beginningOf, boundStructure, fewValues } from '../platform/json-structure.ts'
import { decompress, isCompressed } from './decompress.ts'
import { type Divided, divide, type LargeList, smallBytes } from './large-list.ts'
import type { LargeTurns } from './large-turns.ts'
import { parseJson } from './parse-json.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Takes many items at once. */
    batch?: boolean
  }
}

/** A request's body, as `request.body` of the ingestion routes. Without a body `request.body` is undefined. */
export interface Body {
  value: unknown
  /** Size after decompression. */
  bytes: number
  /** Of a large batch its items, which are not in `value`. */
  list?: LargeList
  /** `value` is only the beginning of what was sent: it has too many keys. */
  isCut?: boolean
  /** It may hold text that PostgreSQL can't store, so each item needs the thorough check of `validateItem`. */
  suspicious: boolean
}

/**
 * Checks the key of a request by what stands outside of its body.
 *
 * @returns undefined where only the body can have it
 * @throws {ApiError} 401
 */
export type CheckKey = (request: FastifyRequest) => Promise<unknown> | number | undefined

/** Plain bodies up to here cost less to read than to have their key looked up twice. */
const cheapBytes = 8_192

/**
 * Reads bodies as existing clients really send them: JSON first, whatever the content type says (many send none, one
 * sends gzipped JSON as a form), then forms with bracketed names and JSON inside fields, then multipart fields.
 */
export function acceptAnyBody(
  scope: FastifyInstance,
  limits: IngestLimits,
  checkKey: CheckKey,
  turns: LargeTurns,
): void {
  const options = { parseAs: 'buffer', bodyLimit: limits.batchBytes } as const
  const parse = (request: FastifyRequest, raw: Buffer, done: Done) => {
    let body: Parsed
    try {
      body = parseBody(request, raw, limits, checkKey, turns)
    } catch (error) {
      return done(error as Error)
    }
    if (body instanceof Promise) body.then((value) => done(null, value), done)
    else done(null, body)
  }
  scope.removeAllContentTypeParsers()
  // Named as well as '*', because fastify remembers only named ones and looks the others up for each request.
  scope.addContentTypeParser(['application/json', '*'], options, parse)
  scope.addHook('onRequest', (request, _reply, done) => {
    const type = request.headers['content-type']
    // Fastify refuses a malformed content type before any parser is asked; the body may be good all the same.
    if (type !== undefined && type !== 'application/json' && !mediaType.test(type))
      delete request.headers['content-type']
    done()
  })
}

type Parsed = Body | undefined | Promise<Body | undefined>
type Done = (error: Error | null, body?: Body) => void

const mediaType = /^\s*[\w!#$%&'*+.^`|~-]+\/[\w!#$%&'*+.^`|~-]+\s*(;|$)/

function parseBody(
  request: FastifyRequest,
  raw: Buffer,
  limits: IngestLimits,
  checkKey: CheckKey,
  turns: LargeTurns,
): Parsed {
  const { right, batch = false } = request.routeOptions.config
  // Nobody reads it: there is nothing at this path, or nothing to take.
  if (right === 'public') return undefined
  const encoding = request.headers['content-encoding']
  if (raw.length <= cheapBytes && !isCompressed(raw, encoding))
    return readBody(request, raw, maxValues(limits, batch))

  const open = (within: IngestLimits, projectId: unknown) => {
    const read = (bytes: Buffer): Parsed => {
      if (bytes.length > within.batchBytes) throw tooLargeWithoutKey(within.batchBytes)
      const values = maxValues(within, batch)
      if (bytes.length <= smallBytes) return readBody(request, bytes, values)
      if (typeof projectId !== 'number')
        return turns.next().then(() => readBody(request, bytes, values, () => turns.next()))
      return turns.run(projectId, request.raw.socket, async (turn) => {
        await turn.next()
        return readBody(request, bytes, values, () => turn.next())
      })
    }
    const opened = decompress(raw, encoding, within.batchBytes)
    return opened instanceof Promise ? opened.then(read) : read(opened)
  }
  const known = checkKey(request)
  if (known instanceof Promise) return known.then((projectId) => open(limits, projectId))
  return open(known === undefined ? keylessLimits(limits, batch) : limits, known)
}

const tooLargeWithoutKey = (bytes: number) =>
  tooLarge(
    `The body is larger than the ${bytes} bytes that a request may have whose key is in the body; send less, or the key outside of the body`,
  )

/** A form is one call: its names are read by what takes longer than JSON.parse. */
const maxFormBytes = 512_000

/** `next`: a turn of the loop, for a body that takes long to look at. */
function readBody(
  request: FastifyRequest,
  bytes: Buffer,
  values: number,
  next?: () => Promise<void>,
): Parsed {
  if (bytes.length === 0) return undefined
  const type = request.headers['content-type'] ?? ''
  const isMultipart = type.includes('multipart/')
  if (isMultipart || looksLikeForm(bytes, type)) {
    if (bytes.length > maxFormBytes)
      throw tooLarge(`A form may have ${maxFormBytes} bytes; send what is larger as JSON`)
    if (isMultipart) return multipartToForm(bytes, type).then((form) => parseForm(form, bytes.length))
  }
  if (!isUtf8(bytes)) throw badRequest('The body is not valid UTF-8; encode it as UTF-8')
  if (looksLikeForm(bytes, type)) return parseForm(withoutBom(bytes).toString('utf8'), bytes.length)
  return readJson(bytes, values, request.routeOptions.config.batch === true, next)
}

function readJson(
  raw: Buffer,
  values: number,
  batch: boolean,
  next: (() => Promise<void>) | undefined,
): Parsed {
  const bytes = withoutBom(raw)
  const finish = (divided: Divided | { value: unknown; isCut: true } | undefined): Body => ({
    ...(divided ?? { value: parseJson(bytes.toString('utf8')) }),
    bytes: raw.length,
    suspicious: mayNeedCleaning(bytes),
  })
  if (raw.length <= cheapBytes) return finish(undefined)
  if (!batch) return finish(divideOne(bytes, values))
  return divide(bytes, values, next).then(finish)
}

/** Of one item with too many keys only the beginning is parsed. */
function divideOne(bytes: Buffer, values: number): { value: unknown; isCut: true } | undefined {
  if (boundStructure(bytes, values, badRequest) <= maxKeys) return undefined
  const beginning = beginningOf(bytes, maxKeys)
  return beginning.isWhole ? undefined : { value: parseJson(beginning.text), isCut: true }
}

const withoutBom = (bytes: Buffer) =>
  bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes

const notAForm = new Set(['{', '[', '"'])

function looksLikeForm(bytes: Buffer, type: string): boolean {
  if (type.includes('json')) return false
  let from = 0
  while (from < bytes.length && bytes[from]! <= 0x20) from++
  const first = bytes
    .toString('utf8', from, from + 32)
    .trimStart()
    .charAt(0)
  return !notAForm.has(first) && bytes.includes(0x3d)
}

/** Fields that are objects or lists in these APIs; in a form they may come as JSON text. */
const structured = new Set([
  'data',
  'identity',
  'changes',
  'extras',
  'preferences',
  'channels',
  'add',
  'remove',
  'traits',
  'properties',
  'context',
  'batch',
  'attributes',
])

/** `identity[email]=a@b.co&data={"plan":"pro"}` */
function parseForm(text: string, bytes: number): Body {
  const value = parseQuery(text)
  let left = fewValues
  let isCut = false
  for (const [name, field] of Object.entries(value)) {
    if (!structured.has(name) || typeof field !== 'string') continue
    const seen = boundStructure(Buffer.from(field), left, badRequest)
    left -= seen
    const beginning = name !== 'batch' && seen > maxKeys && beginningOf(Buffer.from(field), maxKeys)
    if (beginning && !beginning.isWhole) isCut = true
    value[name] = parseField(name, beginning ? beginning.text : field)
  }
  return { value, bytes, isCut, suspicious: true }
}

function parseQuery(text: string): Record<string, unknown> {
  try {
    return qs.parse(text, {
      allowPrototypes: false,
      arrayLimit: 1_000,
      depth: 10,
      parameterLimit: 2_000,
      strictDepth: true,
      throwOnLimitExceeded: true,
    })
  } catch (error) {
    throw badRequest(`The form has too many or too deeply nested fields: ${(error as Error).message}`)
  }
}

function parseField(name: string, text: string): unknown {
  const trimmed = text.trim()
  if (trimmed === '') return undefined
  if (trimmed !== 'null' && !/^[[{"]/.test(trimmed)) return text
  try {
    return JSON.parse(trimmed)
  } catch (error) {
    throw badRequest(`${name} is not valid JSON: ${(error as Error).message.slice(0, 200)}`, name)
  }
}

const maxFields = 1_000

/**
 * Multipart names use the same brackets, so its fields are read by the same parser. It goes on after an error, and there may
 * be one for each few bytes: what its events throw ends it.
 */
function multipartToForm(bytes: Buffer, type: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const fields: string[] = []
    let writing = true
    const fail = (error: Error) => {
      if (writing) throw error
      reject(asApiError(error))
    }
    try {
      const parser = busboy({
        headers: { 'content-type': type },
        // The boundary at the end counts, too.
        limits: { parts: maxFields + 1, fieldSize: bytes.length },
      })
      parser.on('field', (name, value) =>
        fields.push(`${encodeURIComponent(name.toWellFormed())}=${encodeURIComponent(value.toWellFormed())}`),
      )
      parser.on('file', (name) =>
        fail(badRequest(`${name} is a file; send its content as a plain field`, name)),
      )
      parser.on('partsLimit', () =>
        fail(badRequest(`The multipart body has more than ${maxFields.toLocaleString('en')} fields`)),
      )
      parser.on('error', (error) => fail(error as Error))
      parser.on('close', () => resolve(fields.join('&')))
      parser.write(bytes)
      writing = false
      parser.end()
    } catch (error) {
      writing = false
      reject(asApiError(error as Error))
    }
  })
}

const asApiError = (error: Error) =>
  error instanceof ApiError ? error : badRequest(`The multipart body can't be read: ${error.message}`)

/** The body's value, or the query for requests without a body (a DELETE that names its person in the URL). */
export function bodyOrQuery(request: FastifyRequest): Body {
  const body = request.body as Body | undefined
  return body ?? { value: request.query, bytes: 0, suspicious: true }
}

/** A body where one is needed. */
export function requireBody(request: FastifyRequest): Body {
  const body = request.body as Body | undefined
  if (body === undefined) throw badRequest('The request has no body; send a JSON object')
  return body
}

import { promisify } from 'node:util'
import {
  brotliDecompress,
  brotliDecompressSync,
  gunzip,
  gunzipSync,
  inflate,
  inflateRaw,
  inflateRawSync,
  inflateSync,
} from 'node:zlib'
import { badRequest, tooLarge, unsupportedMediaType } from '../platform/errors.ts'

interface Options {
  maxOutputLength: number
}
interface Decompress {
  now: (bytes: Buffer, options: Options) => Buffer
  aside: (bytes: Buffer, options: Options) => Promise<Buffer>
}

const ofGzip: Decompress = { now: gunzipSync, aside: promisify<Buffer, Options, Buffer>(gunzip) }
const ofBrotli: Decompress = {
  now: brotliDecompressSync,
  aside: promisify<Buffer, Options, Buffer>(brotliDecompress),
}
const ofZlib: Decompress = { now: inflateSync, aside: promisify<Buffer, Options, Buffer>(inflate) }
const bare: Decompress = { now: inflateRawSync, aside: promisify<Buffer, Options, Buffer>(inflateRaw) }

/** "deflate" is zlib's format by the standard and the bare one from many clients. */
const eitherDeflate = (bytes: Buffer) =>
  (bytes[0]! & 0x0f) === 8 && ((bytes[0]! << 8) | bytes[1]!) % 31 === 0 ? ofZlib : bare

const byEncoding = new Map<string, ((bytes: Buffer) => Decompress) | undefined>([
  ['', undefined],
  ['identity', undefined],
  ['gzip', () => ofGzip],
  ['x-gzip', () => ofGzip],
  ['deflate', eitherDeflate],
  ['br', () => ofBrotli],
])

/** Up to here it takes less time in place than a trip through the thread pool. A gzip member of 20 bytes may be empty. */
const quickBytes = 64 * 1024

/**
 * The plain bytes of a body. Output beyond `limit` stops the decompression, so a zip bomb costs no more than an honest
 * body of that size.
 *
 * @throws {ApiError} 413 beyond the limit, 415 for an unknown encoding, 400 for damaged data
 */
export function decompress(
  bytes: Buffer,
  encoding: string | undefined,
  limit: number,
): Buffer | Promise<Buffer> {
  if (bytes.length === 0) return bytes
  const name = encoding?.trim().toLowerCase() ?? (isGzip(bytes) ? 'gzip' : '')
  const format = byEncoding.get(name)?.(bytes)
  if (format !== undefined) return runLimited(format, bytes, name, limit)
  if (byEncoding.has(name)) return bytes
  throw unsupportedMediaType(
    `Content-Encoding ${name.slice(0, 50)} is not supported; use gzip, deflate, br or none`,
  )
}

export const isCompressed = (bytes: Buffer, encoding: string | undefined) =>
  encoding !== undefined || isGzip(bytes)

/** No text starts with these two bytes, so a forgotten header does no harm. */
const isGzip = (bytes: Buffer) => bytes[0] === 0x1f && bytes[1] === 0x8b

function runLimited(
  format: Decompress,
  bytes: Buffer,
  name: string,
  limit: number,
): Buffer | Promise<Buffer> {
  const options = { maxOutputLength: limit }
  const refuse = (error: unknown): never => {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE')
      throw tooLarge(`The decompressed body is larger than ${limit} bytes; send smaller batches`)
    throw badRequest(`The body is not complete ${name} data: ${(error as Error).message}`)
  }
  if (bytes.length > quickBytes) return format.aside(bytes, options).catch(refuse)
  try {
    return format.now(bytes, options)
  } catch (error) {
    return refuse(error)
  }
}

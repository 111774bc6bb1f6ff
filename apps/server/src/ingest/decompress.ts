import { brotliDecompressSync, gunzipSync, inflateRawSync, inflateSync } from 'node:zlib'
import { badRequest, tooLarge, unsupportedMediaType } from '../platform/errors.ts'

type Decompress = (bytes: Buffer, options: { maxOutputLength: number }) => Buffer

/** "deflate" is zlib's format by the standard and the bare one from many clients. */
const inflateEither: Decompress = (bytes, options) =>
  (bytes[0]! & 0x0f) === 8 && ((bytes[0]! << 8) | bytes[1]!) % 31 === 0
    ? inflateSync(bytes, options)
    : inflateRawSync(bytes, options)

const byEncoding = new Map<string, Decompress | undefined>([
  ['', undefined],
  ['identity', undefined],
  ['gzip', gunzipSync],
  ['x-gzip', gunzipSync],
  ['deflate', inflateEither],
  ['br', brotliDecompressSync],
])

/**
 * The plain bytes of a body. Output beyond `limit` stops the decompression, so a zip bomb costs no more than an honest
 * body of that size; because that is small, doing it in place is quicker than a trip through the thread pool.
 *
 * @throws {ApiError} 413 beyond the limit, 415 for an unknown encoding, 400 for damaged data
 */
export function decompress(bytes: Buffer, encoding: string | undefined, limit: number): Buffer {
  if (bytes.length === 0) return bytes
  const name = encoding?.trim().toLowerCase() ?? (isGzip(bytes) ? 'gzip' : '')
  const run = byEncoding.get(name)
  if (run !== undefined) return runLimited(run, bytes, name, limit)
  if (byEncoding.has(name)) return bytes
  throw unsupportedMediaType(
    `Content-Encoding ${name.slice(0, 50)} is not supported; use gzip, deflate, br or none`,
  )
}

export const isCompressed = (bytes: Buffer, encoding: string | undefined) =>
  encoding !== undefined || isGzip(bytes)

/** No text starts with these two bytes, so a forgotten header does no harm. */
const isGzip = (bytes: Buffer) => bytes[0] === 0x1f && bytes[1] === 0x8b

function runLimited(run: Decompress, bytes: Buffer, name: string, limit: number): Buffer {
  try {
    return run(bytes, { maxOutputLength: limit })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE')
      throw tooLarge(`The decompressed body is larger than ${limit} bytes; send smaller batches`)
    throw badRequest(`The body is not complete ${name} data: ${(error as Error).message}`)
  }
}

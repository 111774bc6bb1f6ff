import { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { fromRandomAccessReaderPromise, RandomAccessReader } from 'yauzl'
import { TaskFailed } from '../tasks/kind.ts'
import { encodingOf } from './detect.ts'
import { type Encoding, type Format, importLimits } from './format.ts'
import type { ReadBytes } from './rows.ts'

/** Needed to tell an encoding. */
const telling = 65_536

export interface Unpacked {
  encoding: Encoding
  /** Plain UTF-8, in pieces. */
  pieces: AsyncGenerator<Buffer>
}

/**
 * Unpacks a file as it is read: nothing is held but a piece. Beyond the limit it ends with an error, so that a file which
 * is packed a thousand times costs no more than an honest one.
 *
 * @throws {TaskFailed} also while the pieces are read
 */
export async function unpack(
  read: ReadBytes,
  size: number,
  compression: Format['compression'],
  given: Encoding | undefined,
): Promise<Unpacked> {
  const plain = compression === 'none' ? read(0) : compression === 'gzip' ? gunzip(read) : unzip(read, size)
  const beginning = await takeBytes(plain, telling)
  const encoding = given ?? encodingOf(beginning)
  return { encoding, pieces: bounded(decode(joined(beginning, plain), encoding)) }
}

async function* gunzip(read: ReadBytes): AsyncGenerator<Buffer> {
  const source = Readable.from(read(0), { objectMode: false })
  const stream = source.pipe(createGunzip())
  source.once('error', (error) => stream.destroy(error))
  try {
    for await (const piece of stream) yield piece as Buffer
  } catch (error) {
    throw isZlib(error) ? new TaskFailed(`The .gz file is damaged: ${(error as Error).message}`) : error
  } finally {
    stream.destroy()
    source.destroy()
  }
}

const isZlib = (error: unknown) => String((error as { code?: string }).code).startsWith('Z_')

/** The first file in an archive. What macOS adds to one is not meant. */
async function* unzip(read: ReadBytes, size: number): AsyncGenerator<Buffer> {
  try {
    const zip = await fromRandomAccessReaderPromise(new StoredZip(read), size, {
      lazyEntries: true,
      autoClose: false,
    })
    for await (const entry of zip.eachEntry()) {
      if (entry.fileName.endsWith('/') || /(^|\/)(__MACOSX\/|\.)/.test(entry.fileName)) continue
      if (entry.isEncrypted()) throw new TaskFailed('The .zip file is encrypted; pack it without a password')
      if (entry.uncompressedSize > importLimits.fileBytes) throw tooLarge()
      const stream = await zip.openReadStreamPromise(entry)
      for await (const piece of stream) yield piece as Buffer
      return
    }
  } catch (error) {
    if (error instanceof TaskFailed || !isDamage(error)) throw error
    throw new TaskFailed(`The .zip file can't be read: ${(error as Error).message}`)
  }
  throw new TaskFailed('The .zip file holds no file')
}

/** Errors of the archive have no code, or zlib's; those of the database have theirs. */
const isDamage = (error: unknown) => (error as { code?: string }).code === undefined || isZlib(error)

class StoredZip extends RandomAccessReader {
  readonly #read: ReadBytes
  constructor(read: ReadBytes) {
    super()
    this.#read = read
  }
  override _readStreamForRange(start: number, end: number): Readable {
    return Readable.from(range(this.#read, start, end), { objectMode: false })
  }
}

async function* range(read: ReadBytes, start: number, end: number): AsyncGenerator<Buffer> {
  let left = end - start
  for await (const piece of read(start)) {
    yield piece.subarray(0, left)
    if ((left -= piece.length) <= 0) return
  }
}

async function takeBytes(pieces: AsyncGenerator<Buffer>, count: number): Promise<Buffer> {
  const taken: Buffer[] = []
  for (let length = 0; length < count; ) {
    const { value, done } = await pieces.next()
    if (done) break
    taken.push(value)
    length += value.length
  }
  return Buffer.concat(taken)
}

async function* joined(beginning: Buffer, rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  yield beginning
  yield* rest
}

async function* decode(pieces: AsyncGenerator<Buffer>, encoding: Encoding): AsyncGenerator<Buffer> {
  if (encoding === 'utf-8') return yield* pieces
  // Takes the byte order mark away, and keeps halves of characters for the next piece.
  const decoder = new TextDecoder(encoding)
  for await (const piece of pieces) yield Buffer.from(decoder.decode(piece, { stream: true }))
  yield Buffer.from(decoder.decode())
}

async function* bounded(pieces: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  let bytes = 0
  for await (const piece of pieces) {
    bytes += piece.length
    if (bytes > importLimits.fileBytes) throw tooLarge()
    yield piece
  }
}

const tooLarge = () =>
  new TaskFailed(`Unpacked, the file is larger than ${importLimits.fileBytes} bytes (5 GB); split it`)

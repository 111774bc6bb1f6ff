import { Readable } from 'node:stream'
import { crc32, createGunzip } from 'node:zlib'
import { type Entry, fromRandomAccessReaderPromise, RandomAccessReader, type ZipFile } from 'yauzl'
import { TaskFailed } from '../../platform/tasks/kind.ts'
import { compressionOf, sampleBytes } from './detect.ts'
import { decode, encodingOf } from './encoding.ts'
import { type Encoding, type Format, type Given, importLimits } from './format.ts'
import type { ReadBytes } from './row.ts'

const extensions = { gzip: '.gz', zip: '.zip' }

export interface Unpacked {
  encoding: Encoding
  /** Plain UTF-8, in pieces. */
  pieces: AsyncGenerator<Buffer>
}

/** An archive holds several files: somebody has to say which one is meant, so that none is left out unseen. */
export class SeveralFiles extends TaskFailed {
  readonly files: string[]

  constructor(files: string[]) {
    const first = files.slice(0, 5).join(', ')
    const others = files.length > 5 ? ` and ${files.length - 5} others` : ''
    super(
      `The .zip file holds ${files.length} files: ${first}${others}. Say which one this import is of (format.file), and make an import for each`,
    )
    this.files = files
  }
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
  given: Pick<Given, 'encoding' | 'file'>,
): Promise<Unpacked> {
  const plain =
    compression === 'none' ? read(0) : compression === 'gzip' ? gunzip(read) : unzip(read, size, given.file)
  const beginning = await takeBytes(plain, sampleBytes)
  if (compression !== 'none' && compressionOf(beginning) !== 'none')
    throw new TaskFailed(`The ${extensions[compression]} file holds another packed file; unpack that first`)
  const encoding = given.encoding ?? (await encodingOf(beginning))
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

/** The file in an archive that is named, or the only one that may be a table. */
async function* unzip(read: ReadBytes, size: number, named: string | undefined): AsyncGenerator<Buffer> {
  try {
    const zip = await fromRandomAccessReaderPromise(new StoredZip(read), size, {
      lazyEntries: true,
      autoClose: false,
    })
    const entry = chosen(await filesIn(zip), named)
    if (entry.isEncrypted()) throw new TaskFailed('The .zip file is encrypted; pack it without a password')
    if (entry.uncompressedSize > importLimits.fileBytes) throw tooLarge()
    let sum = 0
    for await (const piece of await zip.openReadStreamPromise(entry)) {
      sum = crc32(piece as Buffer, sum)
      yield piece as Buffer
    }
    if (sum !== entry.crc32)
      throw new TaskFailed(
        `The .zip file is damaged: the checksum of ${entry.fileName} is wrong; pack it again`,
      )
  } catch (error) {
    if (error instanceof TaskFailed || !isDamage(error)) throw error
    throw new TaskFailed(`The .zip file can't be read: ${(error as Error).message}`)
  }
}

async function filesIn(zip: ZipFile): Promise<Entry[]> {
  const { zipEntries, zipNameBytes } = importLimits
  if (zip.entryCount > zipEntries)
    throw new TaskFailed(
      `The .zip file has ${zip.entryCount} entries; ${zipEntries} is the limit: pack the file alone`,
    )
  const files: Entry[] = []
  let entries = 0
  let nameBytes = 0
  for await (const entry of zip.eachEntry()) {
    entries++
    nameBytes += entry.fileNameLength + entry.extraFieldLength + entry.fileCommentLength
    if (nameBytes > zipNameBytes)
      throw new TaskFailed(
        `The names and comments of the first ${entries} entries of the .zip file are longer than ${zipNameBytes} bytes: pack the file alone`,
      )
    if (!isMeantForNobody(entry.fileName)) files.push(entry)
  }
  return files
}

function chosen(files: Entry[], named: string | undefined): Entry {
  if (named !== undefined) {
    const entry = files.find(({ fileName }) => fileName === named)
    if (!entry) throw new TaskFailed(`The .zip file holds no file ${JSON.stringify(named)}`)
    return entry
  }
  if (files.length === 0) throw new TaskFailed('The .zip file holds no file')
  if (files.some(({ fileName }) => isOfWorkbook.test(fileName)))
    throw new TaskFailed('The file is a workbook of a spreadsheet; save its sheet as CSV, and import that')
  const tables = files.filter(({ fileName }) => isTable.test(fileName))
  const [only, ...others] = tables.length > 0 ? tables : files
  if (others.length > 0) throw new SeveralFiles([only!, ...others].map(({ fileName }) => fileName))
  return only!
}

/** Workbooks of Excel and of OpenDocument are archives. */
const isOfWorkbook = /^(?:\[Content_Types\]\.xml|META-INF\/manifest\.xml)$/

/** Beside one of these, a text that explains it or a picture is no second table. */
const isTable = /\.(?:csv|tsv|tab|txt|json|jsonl|ndjson)$/i

/** Folders, hidden files, and what macOS adds. */
const isMeantForNobody = (name: string) => name.endsWith('/') || /(?:^|\/)(?:__MACOSX\/|\.)/.test(name)

/** Errors of the archive have no code, or zlib's; those of the database have theirs. */
const isDamage = (error: unknown) => (error as { code?: string }).code === undefined || isZlib(error)

class StoredZip extends RandomAccessReader {
  readonly #read: ReadBytes
  /** The entries of an archive lie side by side: each piece is fetched once, not once for every entry. */
  #held: { start: number; bytes: Buffer } = { start: 0, bytes: Buffer.alloc(0) }

  constructor(read: ReadBytes) {
    super()
    this.#read = read
  }

  override _readStreamForRange(start: number, end: number): Readable {
    return Readable.from(this.#range(start, end), { objectMode: false })
  }

  async *#range(start: number, end: number): AsyncGenerator<Buffer> {
    const held = this.#held
    let at = start
    if (at >= held.start && at < held.start + held.bytes.length) {
      const piece = held.bytes.subarray(at - held.start, end - held.start)
      at += piece.length
      yield piece
    }
    if (at >= end) return
    for await (const piece of this.#read(at)) {
      this.#held = { start: at, bytes: piece }
      yield piece.subarray(0, end - at)
      at += piece.length
      if (at >= end) return
    }
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

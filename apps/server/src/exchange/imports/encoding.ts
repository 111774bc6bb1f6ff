import { isUtf8 } from 'node:buffer'
import { createRequire } from 'node:module'
import { setImmediate as turn } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import iconv from 'iconv-lite'
import type { IDetectedMap, IOptionsMap } from 'jschardet'
import { type Encoding, encodings } from './format.ts'

/** As the detector calls them, where that is not how we do. */
const detectorNames: Partial<Record<Encoding, string>> = {
  'windows-874': 'CP874',
  shift_jis: 'CP932',
  'euc-kr': 'CP949',
  macintosh: 'MacRoman',
  'mac-cyrillic': 'MacCyrillic',
  ibm850: 'cp850',
  ibm852: 'cp852',
}
/** Those that can't be told from others by their first rows, or that nobody's spreadsheet writes, are only for choosing. */
const onlyChosen: Encoding[] = ['utf-8', 'utf-16le', 'utf-16be', 'iso-8859-15', 'iso-8859-7', 'windows-1258']
const detectable = encodings.filter((encoding) => !onlyChosen.includes(encoding))

/** Of a text: so much tells as much as all of it. */
const telling = 65_536
/** For all of it, at most. A text takes a twentieth of a second. */
const detectMs = 10_000
/** Names with a few accents look as likely in several alphabets; the usual one is left for what is clearly likelier. */
const usual: Encoding = 'windows-1252'
const clearly = 1.5

/**
 * By its byte order mark, by the zero bytes of UTF-16, or as UTF-8, where whole characters of it outnumber what is none: a
 * single stray byte is the fault of its row. Undefined for what is none of these.
 */
export function unicodeOf(beginning: Buffer): Encoding | undefined {
  const mark = beginning.subarray(0, 3).toString('hex')
  if (mark === 'efbbbf') return 'utf-8'
  if (mark.startsWith('fffe')) return 'utf-16le'
  if (mark.startsWith('feff')) return 'utf-16be'
  const zeros = [0, 0]
  for (const [index, byte] of beginning.subarray(0, 1_000).entries()) if (byte === 0) zeros[index & 1]!++
  const half = Math.min(beginning.length, 1_000) / 2
  if (zeros[1]! > half * 0.4 && zeros[0]! < half * 0.1) return 'utf-16le'
  if (zeros[0]! > half * 0.4 && zeros[1]! < half * 0.1) return 'utf-16be'
  return isMostlyUtf8(beginning) ? 'utf-8' : undefined
}

function isMostlyUtf8(bytes: Buffer): boolean {
  if (isUtf8(bytes)) return true
  let whole = 0
  let stray = 0
  for (let at = 0; at < bytes.length; at++) {
    if (bytes[at]! < 0x80) continue
    const { length, isWhole, isCut } = characterAt(bytes, at)
    if (isWhole) whole++
    else if (!isCut) stray++
    at += length - 1
  }
  return whole > stray || stray === 0
}

/** Of one beyond ASCII. What is none is one byte; one may be cut at the end of the bytes. */
function characterAt(bytes: Buffer, at: number): { length: number; isWhole: boolean; isCut: boolean } {
  const first = bytes[at]!
  const length = first >= 0xf5 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 1
  let next = 1
  while (next < length && at + next < bytes.length && (bytes[at + next]! & 0xc0) === 0x80) next++
  if (length > 1 && next === length) return { length, isWhole: true, isCut: false }
  return { length: 1, isWhole: false, isCut: length > 1 && at + next === bytes.length }
}

/** The encoding that a text most likely has. */
export async function encodingOf(beginning: Buffer): Promise<Encoding> {
  return unicodeOf(beginning) ?? likeliest(cellsBeyondAscii(beginning))
}

async function likeliest(text: Buffer): Promise<Encoding> {
  const confidences = await detect(text)
  const best = Math.max(0, ...confidences.values())
  if ((confidences.get(usual) ?? 0) * clearly >= best) return usual
  const found = detectable.find((encoding) => confidences.get(encoding) === best) ?? usual
  if (iconv.decode(text, found) === iconv.decode(text, usual)) return usual
  // Where ISO 8859 has controls Windows has letters.
  if (found === 'windows-1250' && confidences.get('iso-8859-2') === best && !hasControls(text))
    return 'iso-8859-2'
  return found === 'gb18030' && hasKana(text) ? 'euc-jp' : found
}

const hasControls = (text: Buffer) => text.some((byte) => byte >= 0x80 && byte < 0xa0)

/** Chinese and Japanese have these syllables in one place, and only Japanese is written with them. */
function hasKana(text: Buffer): boolean {
  let pairs = 0
  let kana = 0
  for (let at = 0; at + 1 < text.length; at++) {
    if (text[at]! < 0xa1 || text[at + 1]! < 0xa1) continue
    pairs++
    if (text[at] === 0xa4 || text[at] === 0xa5) kana++
    at++
  }
  return kana > pairs * 0.05
}

/** Numbers, addresses and the like tell nothing, and would outweigh what does. */
function cellsBeyondAscii(bytes: Buffer): Buffer {
  const cells: Buffer[] = []
  let length = 0
  let begin = 0
  let isBeyond = false
  for (let at = 0; at < bytes.length && length < telling; at++) {
    const byte = bytes[at]!
    if (byte > 127) isBeyond = true
    // None of these is a part of a character in any encoding.
    if (byte !== 10 && byte !== 13 && byte !== 9 && byte !== 44 && byte !== 59) continue
    if (isBeyond) {
      cells.push(bytes.subarray(begin, at), Buffer.from('\n'))
      length += at - begin + 1
    }
    begin = at + 1
    isBeyond = false
  }
  if (length === 0) return bytes.subarray(0, telling)
  return Buffer.concat(cells).subarray(0, telling)
}

/**
 * In a thread: the first text takes the detector a quarter of a second. The program is a text because it needs nothing of ours,
 * and is the same from sources and when it is built.
 */
const program = `
  const { parentPort, workerData: { module, text, options } } = require('node:worker_threads')
  parentPort.postMessage(require(module).detectAll(text, options))`
const detector = createRequire(import.meta.url).resolve('jschardet')

async function detect(text: Buffer): Promise<Map<Encoding, number>> {
  const names = new Map(
    detectable.map((encoding) => [(detectorNames[encoding] ?? encoding).toLowerCase(), encoding]),
  )
  const options: IOptionsMap = { minimumThreshold: 0, detectEncodings: [...names.keys()] }
  const worker = new Worker(program, {
    eval: true,
    workerData: { module: detector, text: new Uint8Array(text), options },
    execArgv: [],
    env: {},
    resourceLimits: { maxOldGenerationSizeMb: 256 },
  })
  const found = await new Promise<IDetectedMap[]>((resolve) => {
    const deadline = setTimeout(() => resolve([]), detectMs)
    worker.once('message', resolve)
    // Without a guess the usual encoding is taken, and shown.
    worker.once('error', () => resolve([]))
    worker.once('exit', () => resolve([]))
    worker.once('exit', () => clearTimeout(deadline))
  })
  void worker.terminate()
  const confidences = new Map<Encoding, number>()
  for (const { encoding, confidence } of found) {
    const ours = names.get(encoding?.toLowerCase() ?? '')
    if (ours) confidences.set(ours, confidence)
  }
  return confidences
}

/** Decoded at a time, in a few milliseconds. */
const decodedBytes = 65_536

/** Makes UTF-8 of a file, piece by piece. What is no character of the encoding becomes U+FFFD, by which its row is found. */
export async function* decode(pieces: AsyncIterable<Buffer>, encoding: Encoding): AsyncGenerator<Buffer> {
  if (encoding === 'utf-8') return yield* pieces
  const decoder = decoderOf(encoding)
  for await (const piece of pieces)
    for (let at = 0; at < piece.length; at += decodedBytes) {
      yield Buffer.from(decoder.write(piece.subarray(at, at + decodedBytes)))
      await turn()
    }
  yield Buffer.from(decoder.end())
}

/** Both keep halves of characters for the next piece, and take a byte order mark away. */
function decoderOf(encoding: Encoding): { write(piece: Buffer): string; end(): string } {
  if (!encoding.startsWith('utf-16')) {
    const decoder = iconv.getDecoder(encoding)
    return { write: (piece) => decoder.write(piece), end: () => decoder.end() ?? '' }
  }
  // iconv-lite loses half of a character at the end of a file of UTF-16.
  const decoder = new TextDecoder(encoding)
  return { write: (piece) => decoder.decode(piece, { stream: true }), end: () => decoder.decode() }
}

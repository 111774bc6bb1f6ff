import { isUtf8 } from 'node:buffer'
import type { Json } from '@fairway/queue'
import { canonicalAddress } from '../email-address.ts'
import { invalidField } from '../errors.ts'
import { CsvScanner } from './csv-scanner.ts'
import { delimiters, type Encoding, type Format, type Given, importLimits, quotes } from './format.ts'
import { unguardFormula } from './formula-guard.ts'
import { parseJson } from './json.ts'
import { isRejectsFile } from './rejects.ts'

/** As much of the beginning as is looked at. */
export const sampleBytes = 262_144
const sampleRows = 100
/** Looked at to find these: others may be empty, or broken. */
const sampleLines = 1_000

/** By its first bytes, which no text begins with. */
export function compressionOf(beginning: Buffer): Format['compression'] {
  if (beginning[0] === 0x1f && beginning[1] === 0x8b) return 'gzip'
  if (beginning.subarray(0, 4).toString('latin1') === 'PK\x03\x04') return 'zip'
  return 'none'
}

/** By its byte order mark; else UTF-16 by its zero bytes, UTF-8 if it is, and Windows-1252, as which everything can be read. */
export function encodingOf(beginning: Buffer): Encoding {
  const mark = beginning.subarray(0, 3).toString('hex')
  if (mark === 'efbbbf') return 'utf-8'
  if (mark.startsWith('fffe')) return 'utf-16le'
  if (mark.startsWith('feff')) return 'utf-16be'
  const zeros = [0, 0]
  for (const [index, byte] of beginning.subarray(0, 1_000).entries()) if (byte === 0) zeros[index & 1]!++
  const half = Math.min(beginning.length, 1_000) / 2
  if (zeros[1]! > half * 0.4 && zeros[0]! < half * 0.1) return 'utf-16le'
  if (zeros[0]! > half * 0.4 && zeros[1]! < half * 0.1) return 'utf-16be'
  // The last character may be cut.
  return [0, 1, 2, 3].some((cut) => isUtf8(beginning.subarray(0, beginning.length - cut)))
    ? 'utf-8'
    : 'windows-1252'
}

export interface Looked {
  format: Format
  columns: string[]
  /** The first rows, as the values of the columns. */
  rows: (Json | undefined)[][]
}

/**
 * Finds out how a file is written from its beginning.
 *
 * @param beginning plain UTF-8
 * @param whole whether that is all of it
 * @throws {ApiError} 422 for what is no table
 */
export function look(
  beginning: Buffer,
  whole: boolean,
  sent: Pick<Format, 'encoding' | 'compression'>,
  given: Given,
): Looked {
  const start = beginning.subarray(0, 3).toString('hex') === 'efbbbf' ? 3 : 0
  const bytes = completeLines(beginning.subarray(start), whole)
  const text = bytes.toString()
  if (text.trim() === '')
    throw invalidField('file', beginning.length === 0 ? 'is empty' : 'has no row in its beginning')
  const base = { ...sent, start, delimiter: ',', quote: '"', header: false } as const
  const type = given.type ?? typeOf(text)
  return type === 'ndjson'
    ? lookIntoNdjson(text, { ...base, type })
    : lookIntoCsv(bytes, { ...base, type }, given)
}

function completeLines(beginning: Buffer, whole: boolean): Buffer {
  const end = Math.max(beginning.lastIndexOf('\n'), beginning.lastIndexOf('\r')) + 1
  return whole || end === 0 ? beginning : beginning.subarray(0, end)
}

function typeOf(text: string): Format['type'] {
  const first = text.trimStart()
  if (/^\[\s*[[{]/.test(first))
    throw invalidField('file', 'is one JSON array; write one JSON object a line (NDJSON), or CSV')
  if (/^<(!doctype|html|\?xml)/i.test(first)) throw invalidField('file', 'is HTML or XML, not CSV or NDJSON')
  if (!first.startsWith('{')) return 'csv'
  try {
    parseJson(first.split('\n', 1)[0]!)
    return 'ndjson'
  } catch {
    return /^\{\s*"/.test(first) ? 'ndjson' : 'csv'
  }
}

function lookIntoNdjson(text: string, format: Format): Looked {
  const objects: Record<string, Json>[] = []
  for (const line of text.split('\n', sampleLines)) {
    if (objects.length === sampleRows) break
    try {
      const value = parseJson(line)
      if (typeof value === 'object' && value !== null && !Array.isArray(value))
        objects.push(value as Record<string, Json>)
    } catch {
      // Rejected with its line when it is imported.
    }
  }
  const columns = [...new Set(objects.flatMap((object) => Object.keys(object)))]
  if (columns.length === 0) throw invalidField('file', 'has no JSON object in its first lines')
  checkColumns(columns.length)
  const rows = objects.map((object) =>
    columns.map((name) => (Object.hasOwn(object, name) ? object[name] : undefined)),
  )
  return { format, columns, rows }
}

function lookIntoCsv(bytes: Buffer, format: Format, given: Given): Looked {
  const quote = given.quote ?? quoteOf(bytes)
  const delimiter = given.delimiter ?? delimiterOf(bytes, quote)
  const table: string[][] = []
  for (const row of rowsOf(bytes, delimiter, quote)) table.push(row.texts())
  if (table[0] && isRejectsFile(table[0]))
    for (const [index, cells] of table.entries()) table[index] = cells.map(unguardFormula)
  const first = table[0]
  if (!first) throw invalidField('file', 'has no row in its beginning')
  const header = given.header ?? isHeader(first)
  checkColumns(first.length)
  const columns = header ? distinctNames(first) : first.map((_, index) => `column ${index + 1}`)
  return {
    format: { ...format, delimiter, quote, header },
    columns,
    rows: header ? table.slice(1) : table.slice(0, sampleRows),
  }
}

function checkColumns(count: number): void {
  if (count > importLimits.columns)
    throw invalidField('file', `has ${count} columns; ${importLimits.columns} is the limit`)
}

/** The one that makes the first rows alike, and wide. */
function delimiterOf(bytes: Buffer, quote: string): string {
  let best = { score: 0, delimiter: delimiters[0] as string }
  for (const delimiter of delimiters) {
    const widths: number[] = []
    for (const { width } of rowsOf(bytes, delimiter, quote)) widths.push(width)
    const width = widths[0] ?? 1
    const alike = widths.filter((one) => one === width).length / Math.max(1, widths.length)
    const score = (width - 1) * alike ** 2
    if (score > best.score) best = { score, delimiter }
  }
  return best.delimiter
}

/** The usual one, unless only the other one stands around cells. */
function quoteOf(bytes: Buffer): string {
  const [usual, other] = quotes
  const text = bytes.toString('latin1')
  return !standsAround(text, usual) && standsAround(text, other) ? other : usual
}

/** Whether a cell of a line begins and ends with it. Each stretch between two quotes is looked at once. */
function standsAround(text: string, quote: string): boolean {
  for (let open = text.indexOf(quote); open !== -1; ) {
    const close = text.indexOf(quote, open + 1)
    if (close === -1) return false
    const isCell =
      /^[,;\t|\n]?$/.test(text.slice(open - 1, open)) &&
      /^[,;\t|\r\n]?$/.test(text.slice(close + 1, close + 2))
    if (isCell && !text.slice(open, close).includes('\n')) return true
    open = close
  }
  return false
}

/** The first rows that say something. A quote may still be open where the beginning ends: the rows before it are here. */
function* rowsOf(bytes: Buffer, delimiter: string, quote: string): Generator<CsvScanner> {
  const scanner = new CsvScanner({ delimiter, quote })
  let found = 0
  for (
    let at = 0, lines = 0;
    at < bytes.length && found <= sampleRows && lines < sampleLines;
    at = scanner.end
  ) {
    if (scanner.scan(bytes, at, true) !== 'row') return
    lines += scanner.lines
    if (scanner.isBlank) continue
    found++
    yield scanner
  }
}

/** Names are distinct, and no address, number or date. */
const isHeader = (cells: string[]): boolean =>
  new Set(cells.map((cell) => cell.trim().toLowerCase())).size === cells.length &&
  cells.every(
    (cell) =>
      canonicalAddress(cell) === undefined && !/^[\d\s.,:+/-]+(T[\d:.]+Z?)?$/.test(cell.trim() || 'x'),
  )

function distinctNames(cells: string[]): string[] {
  const used = new Set<string>()
  const times = new Map<string, number>()
  return cells.map((cell, index) => {
    const name = cell.replaceAll('\0', '').trim().slice(0, 250) || `column ${index + 1}`
    let distinct = name
    for (let time = times.get(name) ?? 1; used.has(distinct); times.set(name, time))
      distinct = `${name} (${++time})`
    used.add(distinct)
    return distinct
  })
}

import { isUtf8 } from 'node:buffer'
import type { Json } from '@fairway/queue'
import { parse } from 'csv-parse/sync'
import { invalidField } from '../errors.ts'
import { isEmail } from '../ingest/fields.ts'
import { delimiters, type Encoding, type Format, type Given, importLimits, quotes } from './format.ts'

/** As much of the beginning as is looked at. */
export const sampleBytes = 262_144
const sampleRows = 100

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
  const text = completeLines(beginning.subarray(start), whole)
  if (text.trim() === '')
    throw invalidField('file', beginning.length === 0 ? 'is empty' : 'has no row in its beginning')
  const base = { ...sent, start, delimiter: ',', quote: '"', header: false } as const
  const type = given.type ?? typeOf(text)
  return type === 'ndjson'
    ? lookIntoNdjson(text, { ...base, type })
    : lookIntoCsv(text, { ...base, type }, given)
}

function completeLines(beginning: Buffer, whole: boolean): string {
  const text = beginning.toString()
  return whole ? text : text.slice(0, Math.max(text.lastIndexOf('\n'), text.lastIndexOf('\r')) + 1) || text
}

function typeOf(text: string): Format['type'] {
  const first = text.trimStart()
  if (/^\[\s*[[{]/.test(first))
    throw invalidField('file', 'is one JSON array; write one JSON object a line (NDJSON), or CSV')
  if (/^<(!doctype|html|\?xml)/i.test(first)) throw invalidField('file', 'is HTML or XML, not CSV or NDJSON')
  if (!first.startsWith('{')) return 'csv'
  try {
    JSON.parse(first.split('\n', 1)[0]!)
    return 'ndjson'
  } catch {
    return /^\{\s*"/.test(first) ? 'ndjson' : 'csv'
  }
}

function lookIntoNdjson(text: string, format: Format): Looked {
  const objects: Record<string, Json>[] = []
  for (const line of text.split('\n')) {
    if (objects.length === sampleRows) break
    try {
      const value = JSON.parse(line) as Json
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

function lookIntoCsv(text: string, format: Format, given: Given): Looked {
  const quote = given.quote ?? quoteOf(text)
  const delimiter = given.delimiter ?? delimiterOf(text, quote)
  const table = tableOf(text, delimiter, quote)
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
function delimiterOf(text: string, quote: string): string {
  let best = { score: 0, delimiter: delimiters[0] as string }
  for (const delimiter of delimiters) {
    const widths = tableOf(text, delimiter, quote).map((row) => row.length)
    const width = widths[0] ?? 1
    const alike = widths.filter((one) => one === width).length / Math.max(1, widths.length)
    const score = (width - 1) * alike ** 2
    if (score > best.score) best = { score, delimiter }
  }
  return best.delimiter
}

function quoteOf(text: string): string {
  const opened = (quote: string) =>
    text.match(new RegExp(`(^|[,;\\t|\\n])${quote}[^${quote}\\n]*${quote}(?=[,;\\t|\\r\\n]|$)`, 'g'))
      ?.length ?? 0
  const [usual, other] = quotes
  return opened(other) > 0 && opened(usual) === 0 ? other : usual
}

function tableOf(text: string, delimiter: string, quote: string): string[][] {
  const rows: string[][] = []
  try {
    parse(text, {
      delimiter,
      quote,
      escape: quote,
      record_delimiter: ['\r\n', '\n', '\r'],
      relax_quotes: true,
      relax_column_count: true,
      skip_empty_lines: true,
      skip_records_with_empty_values: true,
      to: sampleRows + 1,
      on_record: (cells: string[]) => {
        rows.push(cells)
        return null
      },
    })
  } catch {
    // A quote is still open where the beginning ends; the rows before it are here.
  }
  return rows
}

/** Names are distinct, and no address, number or date. */
const isHeader = (cells: string[]): boolean =>
  new Set(cells.map((cell) => cell.trim().toLowerCase())).size === cells.length &&
  cells.every((cell) => !isEmail(cell.trim()) && !/^[\d\s.,:+/-]+(T[\d:.]+Z?)?$/.test(cell.trim() || 'x'))

function distinctNames(cells: string[]): string[] {
  const used = new Map<string, number>()
  return cells.map((cell, index) => {
    const name = cell.replaceAll('\0', '').trim().slice(0, 250) || `column ${index + 1}`
    const times = (used.get(name) ?? 0) + 1
    used.set(name, times)
    return times === 1 ? name : `${name} (${times})`
  })
}

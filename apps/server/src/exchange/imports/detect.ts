import type { Json } from '@fairway/queue'
import { canonicalAddress } from '../../platform/email-address.ts'
import { invalidField } from '../../platform/errors.ts'
import type { Unread } from './columns.ts'
import { dialectOf, firstRows, sampleLines, sampleRows } from './csv-dialect.ts'
import { type Format, type Given, importLimits } from './format.ts'
import { unguardFormula } from './formula-guard.ts'
import { parseJson } from './json.ts'
import { isGuarded } from './rejects.ts'

/** As much of the beginning as is looked at. */
export const sampleBytes = 262_144

/** By its first bytes, which no text begins with. */
export function compressionOf(beginning: Buffer): Format['compression'] {
  if (beginning[0] === 0x1f && beginning[1] === 0x8b) return 'gzip'
  if (beginning.subarray(0, 4).toString('latin1') === 'PK\x03\x04') return 'zip'
  return 'none'
}

/** Newer workbooks are archives. */
export const isOldWorkbook = (beginning: Buffer): boolean =>
  beginning.subarray(0, 4).toString('hex') === 'd0cf11e0'

export interface DetectedFormat {
  format: Format
  columns: string[]
  /** The first rows, as the values of the columns. */
  rows: (Json | undefined)[][]
  unread: Unread[]
}

function countReasons(reasons: string[]): Unread[] {
  const counts = new Map<string, number>()
  for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1)
  return [...counts].map(([reason, rows]) => ({ reason, rows }))
}

/**
 * Finds out how a file is written from its beginning.
 *
 * @param beginning plain UTF-8
 * @param whole whether that is all of it
 * @throws {ApiError} 422 for what is no table
 */
export function detectFormat(
  beginning: Buffer,
  whole: boolean,
  sent: Pick<Format, 'encoding' | 'compression'>,
  given: Given,
): DetectedFormat {
  const start = beginning.subarray(0, 3).toString('hex') === 'efbbbf' ? 3 : 0
  const bytes = completeLines(beginning.subarray(start), whole)
  const text = bytes.toString()
  if (text.trim() === '')
    throw invalidField('file', beginning.length === 0 ? 'is empty' : 'has no row in its beginning')
  const base = {
    ...sent,
    start,
    linesBefore: 0,
    delimiter: ',',
    quote: '"',
    quoteEscape: 'doubled',
    header: false,
  } as const
  const type = given.type ?? typeOf(text)
  return type === 'ndjson'
    ? lookIntoNdjson(text, { ...base, type })
    : lookIntoCsv(bytes, { ...base, type }, whole, given)
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

function lookIntoNdjson(text: string, format: Format): DetectedFormat {
  const objects: Record<string, Json>[] = []
  const unread: string[] = []
  for (const line of text.split('\n', sampleLines)) {
    if (objects.length === sampleRows) break
    try {
      const value = parseJson(line)
      if (typeof value === 'object' && value !== null && !Array.isArray(value))
        objects.push(value as Record<string, Json>)
      else unread.push('the line is not a JSON object')
    } catch {
      if (line.trim() !== '') unread.push('the line is not JSON')
    }
  }
  const columns = [...new Set(objects.flatMap((object) => Object.keys(object)))]
  if (columns.length === 0) throw invalidField('file', 'has no JSON object in its first lines')
  checkColumns(columns.length)
  const rows = objects.map((object) =>
    columns.map((name) => (Object.hasOwn(object, name) ? object[name] : undefined)),
  )
  return { format, columns, rows, unread: countReasons(unread) }
}

function lookIntoCsv(bytes: Buffer, format: Format, whole: boolean, given: Given): DetectedFormat {
  const dialect = dialectOf(bytes, whole, given)
  const table: string[][] = []
  const unread: string[] = []
  for (const row of firstRows(bytes.subarray(dialect.start), whole, dialect))
    if (typeof row === 'string') unread.push(row)
    else table.push(row.texts())
  if (table[0] && isGuarded('csv', table[0]))
    for (const [index, cells] of table.entries()) table[index] = cells.map(unguardFormula)
  const first = table[0]
  if (!first) throw invalidField('file', 'has no row in its beginning')
  const header = given.header ?? isHeader(first)
  const width = header ? first.length : Math.max(...table.map((cells) => cells.length))
  checkColumns(width)
  for (const cells of table)
    if (cells.slice(width).some((cell) => cell.trim() !== ''))
      unread.push(`has ${cells.length} cells; there are ${width} columns`)
  const { delimiter, quote, quoteEscape, start, linesBefore } = dialect
  return {
    format: { ...format, delimiter, quote, quoteEscape, header, start: format.start + start, linesBefore },
    columns: header
      ? distinctNames(first)
      : Array.from({ length: width }, (_, index) => `column ${index + 1}`),
    rows: header ? table.slice(1) : table.slice(0, sampleRows),
    unread: countReasons(unread),
  }
}

function checkColumns(count: number): void {
  if (count > importLimits.columns)
    throw invalidField('file', `has ${count} columns; ${importLimits.columns} is the limit`)
}

/** No address, number or date; columns may be called alike, or nothing at all. */
const isHeader = (cells: string[]): boolean =>
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

import { CsvScanner, type Dialect, faultWords } from './csv-scanner.ts'
import { delimiters, type Given, type QuoteEscape, quotes } from './format.ts'

/** Rows that are looked at to find out how a file is written. */
export const sampleRows = 100
/** Looked at to find these: others may be empty, or broken. */
export const sampleLines = 1_000

/** How a CSV file is written, and where its first row begins. */
export interface Found extends Dialect {
  start: number
  linesBefore: number
}

/**
 * Finds out delimiter, quote and escape, as far as nobody said.
 *
 * @param bytes the beginning of the file
 * @param whole whether that is all of it
 */
export function dialectOf(bytes: Buffer, whole: boolean, given: Given): Found {
  const named = delimiterLine(bytes)
  const start = named?.bytes ?? 0
  const rest = bytes.subarray(start)
  const quote = given.quote ?? quoteOf(rest)
  const delimiter = given.delimiter ?? named?.delimiter ?? delimiterOf(rest, whole, quote)
  const quoteEscape = given.quoteEscape ?? quoteEscapeOf(rest, whole, { delimiter, quote })
  return { delimiter, quote, quoteEscape, start, linesBefore: named ? 1 : 0 }
}

/** A first line such as `sep=;`, by which spreadsheets are told what the delimiter is. */
function delimiterLine(bytes: Buffer): { delimiter: string; bytes: number } | undefined {
  const line = /^"?sep=([^\w\s"'\\]|\t)"?(?:\r\n|\n|\r)/i.exec(bytes.toString('latin1', 0, 20))
  return line ? { delimiter: line[1]!, bytes: line[0].length } : undefined
}

/** The one that makes the first rows alike, and wide. */
function delimiterOf(bytes: Buffer, whole: boolean, quote: string): string {
  let best = { score: 0, delimiter: delimiters[0] as string }
  for (const delimiter of delimiters) {
    const widths: number[] = []
    for (const row of firstRows(bytes, whole, { delimiter, quote, quoteEscape: 'doubled' }))
      widths.push(typeof row === 'string' ? 0 : row.width)
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

/** By doubling, unless fewer rows are broken when a backslash does it, too. */
function quoteEscapeOf(
  bytes: Buffer,
  whole: boolean,
  dialect: Pick<Dialect, 'delimiter' | 'quote'>,
): QuoteEscape {
  if (!bytes.includes(`\\${dialect.quote}`)) return 'doubled'
  const broken = (quoteEscape: QuoteEscape) => {
    let count = 0
    for (const row of firstRows(bytes, whole, { ...dialect, quoteEscape }))
      if (typeof row === 'string') count++
    return count
  }
  return broken('backslash') < broken('doubled') ? 'backslash' : 'doubled'
}

/**
 * The first rows that say something, and of each that is broken the reason. A quote may still be open where the beginning
 * ends: the rows before it are here.
 */
export function* firstRows(bytes: Buffer, whole: boolean, dialect: Dialect): Generator<CsvScanner | string> {
  const scanner = new CsvScanner(dialect)
  let found = 0
  for (let at = 0, lines = 0; at < bytes.length && found <= sampleRows && lines < sampleLines; ) {
    if (scanner.scan(bytes, at, true) === 'row') {
      at = scanner.end
      lines += scanner.lines
      if (scanner.isBlank) continue
      found++
      yield scanner
    } else {
      if (!whole && scanner.seenTo >= bytes.length) return
      at = behindLine(bytes, scanner.wrongAt)
      lines += scanner.linesBefore + 1
      yield faultWords(scanner)
    }
  }
}

function behindLine(bytes: Buffer, at: number): number {
  const feed = bytes.indexOf('\n', at)
  const end = feed === -1 ? bytes.length : feed + 1
  const back = bytes.subarray(at, end).indexOf('\r')
  return back === -1 || (feed !== -1 && at + back + 2 === end) ? end : at + back + 1
}

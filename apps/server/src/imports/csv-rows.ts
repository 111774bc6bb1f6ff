import { type Options, Parser } from 'csv-parse'
import { type Format, importLimits } from './format.ts'
import {
  dirtOf,
  isDirty,
  longestExcerpt,
  type Place,
  type ReadBytes,
  type Row,
  type RowReader,
  turnBytes,
} from './rows.ts'

/** Parsed at once, in a millisecond or two; its rows wait in memory until they are read. */
const pieceBytes = 32_768
const lineFeed = 10
const carriageReturn = 13

/**
 * Rows of a CSV file. A quote that nothing closes would swallow the rest: a row that outgrows the limit, or is still open
 * at the end of the file, is given back as broken with its first line, and reading goes on with the next line.
 */
export class CsvRows implements RowReader {
  readonly #bytes: ReadBytes
  readonly #format: Format
  #pieces: AsyncGenerator<Buffer>
  #parser: Parser
  /** Where the parser began. */
  #base: Place
  /** Behind the last row that was parsed. */
  #reached: Place
  #parsed: Row[] = []
  /** Given out of `#parsed`, and up to where. */
  #given = 0
  #givenTo: number
  #ended = false
  /** Whether rows that end now may hold what can't be stored. */
  #dirty = false

  constructor(bytes: ReadBytes, format: Format, from: Place) {
    this.#bytes = bytes
    this.#format = format
    this.#base = this.#reached = from
    this.#givenTo = from.offset
    this.#pieces = piecesOf(bytes(from.offset))
    this.#parser = this.#createParser()
  }

  async read(count: number): Promise<Row[]> {
    const from = this.#givenTo
    while (
      !this.#ended &&
      this.#waiting() < count &&
      (this.#waiting() === 0 || this.#reached.offset - from < turnBytes)
    )
      await this.#parseNext()
    const rows = this.#parsed.slice(this.#given, this.#given + count)
    this.#given += rows.length
    this.#givenTo = rows.at(-1)?.end ?? from
    if (this.#given === this.#parsed.length) {
      this.#parsed = []
      this.#given = 0
    }
    return rows
  }

  async close(): Promise<void> {
    await this.#pieces.return(undefined)
  }

  #waiting = () => this.#parsed.length - this.#given

  #createParser(): Parser {
    const { delimiter, quote } = this.#format
    const options: Options = {
      delimiter,
      quote,
      escape: quote,
      // Not found out from the first row: a reader that begins in the middle must see the same rows.
      record_delimiter: ['\r\n', '\n', '\r'],
      relax_quotes: true,
      relax_column_count: true,
      skip_empty_lines: true,
      skip_records_with_empty_values: true,
      max_record_size: importLimits.rowBytes,
    }
    const parser = new PlacedParser(options, (cells, bytes, lines) => {
      this.#reached = { offset: this.#base.offset + bytes, line: this.#base.line + lines }
      this.#parsed.push(this.#toRow(cells))
    })
    // Told to the callback of the write, too.
    parser.on('error', () => {})
    return parser
  }

  #toRow(cells: string[]): Row {
    const row: Row = { cells, end: this.#reached.offset, line: this.#reached.line - 1 }
    if (!this.#dirty) return row
    for (const [index, cell] of cells.entries()) {
      const dirt = dirtOf(cell)
      if (dirt !== undefined) return { ...row, broken: `cell ${index + 1} ${dirt}` }
    }
    return row
  }

  async #parseNext(): Promise<void> {
    const { value: piece, done } = await this.#pieces.next()
    if (piece) {
      const dirty = isDirty(piece)
      // A row may begin in the piece before.
      this.#dirty ||= dirty
      const failed = await write(this.#parser, piece)
      this.#dirty = dirty
      if (failed) await this.#skipLine()
    } else if (done) {
      if (await end(this.#parser)) await this.#skipLine()
      else this.#ended = true
    }
  }

  /** Gives the line after the last good row back as broken and goes on behind it. */
  async #skipLine(): Promise<void> {
    const { offset, line } = this.#reached
    await this.#pieces.return(undefined)
    const found = await readLine(this.#bytes(offset), offset, line)
    this.#base = this.#reached = found.next
    if (found.text !== '')
      this.#parsed.push({
        cells: [found.text],
        end: found.next.offset,
        line: found.next.line - 1,
        broken: `a quote opens that nothing closes within ${importLimits.rowBytes} bytes, or the row is longer than that`,
      })
    this.#pieces = piecesOf(this.#bytes(this.#base.offset))
    this.#parser = this.#createParser()
  }
}

/**
 * Gives each record with the bytes and lines up to its end. The parser's own options for that, `info` and `on_record`, copy
 * all they know for every record, which costs as much as half of the parsing.
 */
class PlacedParser extends Parser {
  readonly #take: (cells: string[], bytes: number, lines: number) => void

  constructor(options: Options, take: (cells: string[], bytes: number, lines: number) => void) {
    super(options)
    this.#take = take
  }

  override push(record: string[] | null): boolean {
    if (record === null) return super.push(null)
    this.#take(record, this.info.bytes, this.info.lines)
    return true
  }
}

async function* piecesOf(chunks: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  for await (const chunk of chunks)
    for (let at = 0; at < chunk.length; at += pieceBytes) yield chunk.subarray(at, at + pieceBytes)
}

const write = (parser: Parser, piece: Buffer) =>
  new Promise<boolean>((resolve) => parser.write(piece, (error) => resolve(error != null)))

const end = (parser: Parser) =>
  new Promise<boolean>((resolve) => {
    parser.once('error', () => resolve(true))
    parser.once('end', () => resolve(false))
    parser.end()
    parser.resume()
  })

/** The first line that is not empty, from an offset on, however long. */
async function readLine(chunks: AsyncGenerator<Buffer>, offset: number, line: number) {
  const kept: Buffer[] = []
  let bytes = 0
  for await (const chunk of chunks) {
    let from = 0
    if (bytes === 0)
      while (chunk[from] === lineFeed || chunk[from] === carriageReturn)
        if (chunk[from++] === lineFeed) line++
    offset += from
    const feed = chunk.indexOf(lineFeed, from)
    const piece = chunk.subarray(from, feed === -1 ? chunk.length : feed + 1)
    if (bytes < longestExcerpt * 4) kept.push(piece)
    bytes += piece.length
    offset += piece.length
    if (feed !== -1) break
  }
  const text = Buffer.concat(kept).toString().replaceAll('\0', '\ufffd').trimEnd().slice(0, longestExcerpt)
  return { text, next: { offset, line: line + 1 } }
}

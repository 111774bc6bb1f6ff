import { type Format, importLimits } from './format.ts'

const lineFeed = 10
const carriageReturn = 13

const isSpace = (byte: number) => byte === 32 || (byte >= 9 && byte <= 13)

/** Kinds of cells: as it stands, in quotes, in quotes with doubled quotes inside. */
const bare = 0
const quoted = 1
const doubled = 2

/**
 * Finds the cells of a row, byte by byte: no byte is looked at twice, and nothing is made of a cell until it is asked for.
 * A quote that does not end where its cell does is text, as it stands.
 */
export class CsvScanner {
  readonly #delimiter: number
  readonly #quote: number
  /** Begin, end and kind of each cell. */
  readonly #cells: number[] = []
  #bytes: Buffer = Buffer.alloc(0)
  /** Of the row found: behind its line's end, how many lines it has, and how many cells. */
  end = 0
  lines = 0
  width = 0

  constructor({ delimiter, quote }: Pick<Format, 'delimiter' | 'quote'>) {
    this.#delimiter = delimiter.charCodeAt(0)
    this.#quote = quote.charCodeAt(0)
  }

  /**
   * Looks for a row that begins at `from`.
   *
   * @param isLast whether nothing follows these bytes
   * @returns `more`: it goes on behind these bytes. `open`: it goes on beyond the limit, or nothing closes its quote
   */
  scan(bytes: Buffer, from: number, isLast: boolean): 'row' | 'more' | 'open' {
    const limit = Math.min(bytes.length, from + importLimits.rowBytes + 1)
    const short = limit < bytes.length ? 'open' : isLast ? undefined : 'more'
    const quote = this.#quote
    const delimiter = this.#delimiter
    const cells = this.#cells
    this.#bytes = bytes
    this.width = 0
    this.lines = 1
    cells.length = 0
    for (let at = from; ; at++) {
      const begin = at
      let kind = bare
      if (at < limit && bytes[at] === quote) {
        kind = quoted
        for (at++; ; at++) {
          if (at >= limit) return short ?? 'open'
          const byte = bytes[at]
          if (byte === quote) {
            if (at + 1 >= limit && short) return short
            if (bytes[at + 1] !== quote || at + 1 >= limit) break
            kind = doubled
            at++
          } else if (byte === lineFeed || (byte === carriageReturn && bytes[at + 1] !== lineFeed))
            this.lines++
        }
        at++
        if (at < limit && !this.#endsCell(bytes[at]!)) kind = bare
      }
      while (at < limit && !this.#endsCell(bytes[at]!)) at++
      if (at >= limit && short) return short
      // A line feed may follow.
      if (bytes[at] === carriageReturn && at + 1 >= limit && short) return short
      if (this.width++ < importLimits.cells)
        cells.push(kind === bare ? begin : begin + 1, kind === bare ? at : at - 1, kind)
      if (at < limit && bytes[at] === delimiter) continue
      this.end =
        at >= limit ? limit : bytes[at] === carriageReturn && bytes[at + 1] === lineFeed ? at + 2 : at + 1
      return 'row'
    }
  }

  #endsCell = (byte: number) => byte === this.#delimiter || byte === lineFeed || byte === carriageReturn

  /** Whether the row found says nothing: an empty line, or blank cells. */
  get isBlank(): boolean {
    const cells = this.#cells
    const bytes = this.#bytes
    for (let at = 0; at < cells.length; at += 3) {
      let begin = cells[at]!
      const end = cells[at + 1]!
      while (begin < end && isSpace(bytes[begin]!)) begin++
      if (begin === end) continue
      // Only beyond ASCII there are other spaces.
      if (bytes[begin]! < 128 || bytes.toString('utf8', begin, end).trim() !== '') return false
    }
    return true
  }

  /** The texts of the row found; those beyond the limit are left out. */
  texts(): string[] {
    const cells = this.#cells
    const texts: string[] = []
    for (let at = 0; at < cells.length; at += 3) {
      const text = this.#bytes.toString('utf8', cells[at], cells[at + 1])
      texts.push(cells[at + 2] === doubled ? this.#single(text) : text)
    }
    return texts
  }

  #single(text: string): string {
    const quote = String.fromCharCode(this.#quote)
    return text.replaceAll(quote + quote, quote)
  }
}

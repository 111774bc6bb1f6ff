import { type Format, importLimits, mostOfRow } from './format.ts'

const lineFeed = 10
const carriageReturn = 13
const space = 32
const backslash = 92

const isSpace = (byte: number) => byte === space || (byte >= 9 && byte <= 13)

/** Kinds of cells: as it stands, in quotes, in quotes with escapes inside. */
const bare = 0
const quoted = 1
const escaped = 2

/** How the cells of a file are told apart. */
export type Dialect = Pick<Format, 'delimiter' | 'quote' | 'quoteEscape'>

/** Why no row begins where one was looked for. */
type Fault = 'text behind a quote' | 'open quote' | 'too long'

export function faultWords({ fault, isBackslashed }: Pick<CsvScanner, 'fault' | 'isBackslashed'>): string {
  switch (fault) {
    case 'text behind a quote':
      return isBackslashed
        ? 'a quote stands inside of quotes; if the file escapes quotes by backslashes, say so'
        : 'a quote opens, and text follows the one that closes it: write quotes in a text twice'
    case 'open quote':
      return `a quote opens that nothing closes in the file, or within ${mostOfRow}`
    case 'too long':
      return `the row is longer than ${mostOfRow}`
  }
}

/**
 * Finds the cells of a row, byte by byte, and makes nothing of a cell until it is asked for. A quote opens a cell only
 * where one begins; spaces around the quotes of a cell are none of its text.
 *
 * What follows a closing quote shows that the opening one was wrong. Then {@link wrongAt} is in the line that is wrong, and
 * who reads goes on at the next one. Between there and what showed it no other quote can be open for longer than its own
 * cell, because inside of the wrong one all quotes come in pairs: so no byte is looked at more than twice in this way.
 */
export class CsvScanner {
  readonly #delimiter: number
  readonly #quote: number
  /** Undefined where quotes are escaped by doubling alone. */
  readonly #backslash: number | undefined
  /** Begin, end and kind of each cell. */
  readonly #cells: number[] = []
  #bytes: Buffer = Buffer.alloc(0)
  /** Of the row found: behind its line's end, how many lines it has, and how many cells. */
  end = 0
  lines = 0
  width = 0
  /** Of what is no row: where it is wrong, how many lines end before that, how far was looked, and why it is none. */
  wrongAt = 0
  linesBefore = 0
  seenTo = 0
  fault: Fault = 'open quote'
  /** Whether the wrong quote is closed behind a backslash: the file may escape quotes that way. */
  isBackslashed = false

  constructor({ delimiter, quote, quoteEscape }: Dialect) {
    this.#delimiter = delimiter.charCodeAt(0)
    this.#quote = quote.charCodeAt(0)
    this.#backslash = quoteEscape === 'backslash' ? backslash : undefined
  }

  /**
   * Looks for a row that begins at `from`.
   *
   * @param isLast whether nothing follows these bytes
   * @returns `more`: it goes on behind these bytes. `broken`: none begins here; see {@link fault}
   */
  scan(bytes: Buffer, from: number, isLast: boolean): 'row' | 'more' | 'broken' {
    const limit = Math.min(bytes.length, from + importLimits.rowBytes + 1)
    const isCut = limit < bytes.length
    const mayGoOn = isCut || !isLast
    const quote = this.#quote
    const delimiter = this.#delimiter
    const escaping = this.#backslash
    const cells = this.#cells
    this.#bytes = bytes
    this.width = 0
    this.lines = 1
    cells.length = 0
    for (let at = from; ; at++) {
      let begin = at
      let end = -1
      let kind = bare
      if (at < limit && bytes[at] === space) at = this.#behindSpaces(at, limit)
      if (at < limit && bytes[at] === quote) {
        const opens = at
        const linesBefore = this.lines - 1
        begin = at + 1
        kind = quoted
        for (at++; ; at++) {
          if (at >= limit) {
            if (mayGoOn && !isCut) return 'more'
            return this.#broken('open quote', at, opens, linesBefore)
          }
          const byte = bytes[at]
          if (byte === quote) {
            if (at + 1 >= limit && mayGoOn)
              return isCut ? this.#broken('open quote', at, opens, linesBefore) : 'more'
            if (bytes[at + 1] !== quote || at + 1 >= limit) break
            kind = escaped
            at++
          } else if (byte === escaping) {
            kind = escaped
            // What follows is text; only line ends are counted.
            if (bytes[at + 1] === quote || bytes[at + 1] === escaping) at++
            else if (at + 1 >= limit && mayGoOn && !isCut) return 'more'
          } else if (byte === lineFeed || (byte === carriageReturn && bytes[at + 1] !== lineFeed))
            this.lines++
        }
        end = at++
        if (at < limit && bytes[at] === space) at = this.#behindSpaces(at, limit)
        if (at < limit && !this.#endsCell(bytes[at]!)) {
          this.isBackslashed = bytes[end - 1] === backslash
          return this.#broken('text behind a quote', at, opens, linesBefore)
        }
      }
      while (at < limit && !this.#endsCell(bytes[at]!)) at++
      if (at >= limit && mayGoOn) return isCut ? this.#broken('too long', at, at - 1, this.lines - 1) : 'more'
      // A line feed may follow.
      if (bytes[at] === carriageReturn && at + 1 >= limit && mayGoOn)
        return isCut ? this.#broken('too long', at, at, this.lines - 1) : 'more'
      if (this.width++ < importLimits.cells) cells.push(begin, end === -1 ? at : end, kind)
      if (at < limit && bytes[at] === delimiter) continue
      this.end =
        at >= limit ? limit : bytes[at] === carriageReturn && bytes[at + 1] === lineFeed ? at + 2 : at + 1
      return 'row'
    }
  }

  #broken(fault: Fault, seenTo: number, wrongAt: number, linesBefore: number): 'broken' {
    this.fault = fault
    this.seenTo = seenTo
    this.wrongAt = wrongAt
    this.linesBefore = linesBefore
    return 'broken'
  }

  #behindSpaces(at: number, limit: number): number {
    while (at < limit && this.#bytes[at] === space) at++
    return at
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
      texts.push(cells[at + 2] === escaped ? this.#unescape(text) : text)
    }
    return texts
  }

  #unescape(text: string): string {
    const quote = String.fromCharCode(this.#quote)
    if (this.#backslash === undefined) return text.replaceAll(quote + quote, quote)
    let plain = ''
    let from = 0
    for (let at = 0; at < text.length - 1; at++) {
      const [first, second] = [text[at], text[at + 1]]
      const isPair =
        first === '\\' ? second === quote || second === '\\' : first === quote && second === quote
      if (!isPair) continue
      plain += text.slice(from, at)
      from = ++at
    }
    return plain + text.slice(from)
  }
}

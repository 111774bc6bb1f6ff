import { CsvScanner, faultWords } from './csv-scanner.ts'
import { type Format, importLimits } from './format.ts'
import {
  mayBeUnstorable,
  type ReadBytes,
  type Row,
  type RowPosition,
  type RowReader,
  requireRowsAmong,
  turnBytes,
  unstorableReason,
} from './row.ts'
import { excerptOf, Window } from './window.ts'

/**
 * Rows of a CSV file. A quote that is wrong would swallow rows: what it stands in is given back as broken up to the end of
 * its line, and reading goes on with the next one.
 */
export class CsvRows implements RowReader {
  readonly #window: Window
  readonly #scanner: CsvScanner
  readonly #format: Format
  /** Whether the window may hold what can't be stored. */
  #dirty = false
  blankLines = 0
  /** Since the last row. */
  #blankRun = 0

  constructor(bytes: ReadBytes, format: Format, from: RowPosition) {
    this.#window = new Window(bytes, from)
    this.#scanner = new CsvScanner(format)
    this.#format = format
  }

  get place(): RowPosition {
    return this.#window.place
  }

  async read(count: number): Promise<Row[] | undefined> {
    const window = this.#window
    const rows: Row[] = []
    const from = window.place.offset
    while (rows.length < count && window.place.offset - from < turnBytes) {
      if (window.isEnded) return rows.length > 0 ? rows : undefined
      const found = this.#scanner.scan(window.bytes, window.at, window.isLast)
      if (found === 'row') {
        const row = this.#takeRow()
        if (row) rows.push(row)
      } else if (found === 'more') {
        const looked = window.bytes.length - window.at
        await window.more()
        this.#dirty = mayBeUnstorable(window.bytes, this.#format)
        // A long row has been looked at in vain: others first, before that is done again.
        if (looked > turnBytes) break
      } else {
        const looked = this.#scanner.seenTo - window.at
        rows.push(await this.#breakRow())
        if (looked > turnBytes) break
      }
    }
    return rows
  }

  close = (): Promise<void> => this.#window.close()

  #takeRow(): Row | undefined {
    const window = this.#window
    const { end, lines, width, isBlank } = this.#scanner
    const begin = window.at
    window.take(end, lines)
    const place = { end: window.place.offset, line: window.line - 1 }
    if (width > importLimits.cells)
      return {
        ...place,
        cells: [excerptOf(window.bytes.subarray(begin, end))],
        broken: `has ${width} cells; ${importLimits.cells} is the limit`,
        ...(lines > 1 && { linesBefore: lines - 1 }),
      }
    if (isBlank) {
      this.blankLines += lines
      this.#blankRun += lines
      requireRowsAmong(this.#blankRun)
      return undefined
    }
    this.#blankRun = 0
    const cells = this.#scanner.texts()
    const dirt = this.#dirty ? dirtOfCells(cells, this.#format) : undefined
    return dirt === undefined ? { cells, ...place } : { cells, ...place, broken: dirt }
  }

  /** Gives back what there is up to the end of the line that is wrong, and goes on behind it. */
  async #breakRow(): Promise<Row> {
    const window = this.#window
    const { wrongAt, linesBefore } = this.#scanner
    const fault = faultWords(this.#scanner)
    const { line, bytes } = window
    const text = await window.skipLine({ byReturn: true, at: wrongAt, lines: linesBefore })
    if (window.bytes !== bytes) this.#dirty = mayBeUnstorable(window.bytes, this.#format)
    return {
      cells: [text],
      end: window.place.offset,
      line: window.line - 1,
      broken: fault + (linesBefore > 0 ? ` (lines ${line} to ${window.line - 1})` : ''),
      isUnread: true,
      ...(linesBefore > 0 && { linesBefore }),
    }
  }
}

function dirtOfCells(cells: string[], format: Format): string | undefined {
  for (const [index, cell] of cells.entries()) {
    const dirt = unstorableReason(cell, format)
    if (dirt !== undefined) return `cell ${index + 1} ${dirt}`
  }
  return undefined
}

import { TaskFailed } from '../tasks/kind.ts'
import { CsvScanner } from './csv-scanner.ts'
import { type Format, importLimits } from './format.ts'
import { dirtOf, isDirty, type Place, type ReadBytes, type Row, type RowReader, turnBytes } from './rows.ts'
import { excerptOf, Window } from './window.ts'

/**
 * Rows of a CSV file. A quote that nothing closes would swallow the rest: a row that outgrows the limit, or is still open
 * at the end of the file, is given back as broken with its first line, and reading goes on with the next line.
 */
export class CsvRows implements RowReader {
  readonly #window: Window
  readonly #scanner: CsvScanner
  readonly #begin: number
  /** Whether the window may hold what can't be stored. */
  #dirty = false
  /** Bytes that were looked at and are read again, as lines. */
  #again = 0

  constructor(bytes: ReadBytes, format: Format, from: Place) {
    this.#window = new Window(bytes, from)
    this.#scanner = new CsvScanner(format)
    this.#begin = from.offset
  }

  get place(): Place {
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
        this.#dirty = isDirty(window.bytes)
        // A long row has been looked at in vain: others first, before that is done again.
        if (looked > turnBytes) break
      } else {
        rows.push(await this.#breakRow())
        break
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
      }
    if (isBlank) return undefined
    const cells = this.#scanner.texts()
    const dirt = this.#dirty ? dirtOfCells(cells) : undefined
    return dirt === undefined ? { cells, ...place } : { cells, ...place, broken: dirt }
  }

  /** Gives back the line that the row begins in, and goes on behind it. */
  async #breakRow(): Promise<Row> {
    const window = this.#window
    const { offset, line } = window.place
    const text = await window.skipLine({ byReturn: true })
    const end = window.place.offset
    this.#dirty = isDirty(window.bytes)
    this.#again += Math.max(0, importLimits.rowBytes - (end - offset))
    if (this.#again > importLimits.bytesAgain + (end - this.#begin))
      throw new TaskFailed(
        `In line ${line} (byte ${offset}) begins one of very many rows that are longer than ${importLimits.rowBytes} bytes, quotes and all: say which quote the file has, or close its quotes`,
      )
    return {
      cells: [text],
      end,
      line: window.line - 1,
      broken: `a quote opens that nothing closes within ${importLimits.rowBytes} bytes, or the row is longer than that`,
    }
  }
}

function dirtOfCells(cells: string[]): string | undefined {
  for (const [index, cell] of cells.entries()) {
    const dirt = dirtOf(cell)
    if (dirt !== undefined) return `cell ${index + 1} ${dirt}`
  }
  return undefined
}

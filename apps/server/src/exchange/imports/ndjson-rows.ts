import { type Format, importLimits, mostOfRow } from './format.ts'
import { parseJson } from './json.ts'
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

const lineFeed = 10

/** Rows of a file with one JSON object a line. Empty lines are no rows. */
export class NdjsonRows implements RowReader {
  readonly #format: Format
  readonly #columns: string[]
  readonly #window: Window
  blankLines = 0
  /** Since the last row. */
  #blankRun = 0

  constructor(bytes: ReadBytes, format: Format, columns: string[], from: RowPosition) {
    this.#format = format
    this.#columns = columns
    this.#window = new Window(bytes, from)
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
      const { bytes, at, isLast } = window
      const feed = bytes.indexOf(lineFeed, at)
      const to = feed === -1 ? bytes.length : feed
      if (to - at > importLimits.rowBytes) {
        rows.push(await this.#breakRow())
      } else if (feed === -1 && !isLast) {
        await window.more()
      } else {
        window.take(feed === -1 ? to : feed + 1, 1)
        const row = parseLine(bytes.subarray(at, to), this.#columns, this.#format)
        if (row) {
          this.#blankRun = 0
          rows.push({ ...row, end: window.place.offset, line: window.line - 1 })
        } else {
          this.blankLines++
          requireRowsAmong(++this.#blankRun)
        }
      }
    }
    return rows
  }

  close = (): Promise<void> => this.#window.close()

  async #breakRow(): Promise<Row> {
    const window = this.#window
    const text = await window.skipLine({ byReturn: false })
    return {
      cells: [text],
      end: window.place.offset,
      line: window.line - 1,
      broken: `the line is longer than ${mostOfRow}`,
    }
  }
}

function parseLine(
  bytes: Buffer,
  columns: string[],
  format: Format,
): Pick<Row, 'cells' | 'broken'> | undefined {
  const dirty = mayBeUnstorable(bytes, format)
  const text = bytes.toString()
  const broken = (reason: string) => ({ cells: [excerptOf(bytes)], broken: reason })
  if (text.trim() === '') return undefined
  const dirt = dirty ? unstorableReason(text, format) : undefined
  if (dirt !== undefined) return broken(`the line ${dirt}`)
  try {
    const value = parseJson(text)
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return broken('the line is not a JSON object')
    return { cells: columns.map((name) => (Object.hasOwn(value, name) ? value[name] : undefined)) }
  } catch (error) {
    return broken(`the line is not JSON: ${(error as Error).message.slice(0, 200)}`)
  }
}

import type { Json } from '@fairway/queue'
import { importLimits } from './format.ts'
import {
  dirtOf,
  isDirty,
  longestExcerpt,
  type Place,
  type ReadBytes,
  type Row,
  type RowReader,
} from './rows.ts'

const lineFeed = 10

/** Rows of a file with one JSON object a line. Empty lines are no rows. */
export class NdjsonRows implements RowReader {
  readonly #columns: string[]
  readonly #chunks: AsyncGenerator<Buffer>
  #place: Place
  /** Begun and not ended yet; of a line beyond the limit only the beginning is kept. */
  #open: Buffer[] = []
  #openBytes = 0
  #parsed: Row[] = []
  #ended = false

  constructor(bytes: ReadBytes, columns: string[], from: Place) {
    this.#columns = columns
    this.#place = from
    this.#chunks = bytes(from.offset)
  }

  async read(count: number): Promise<Row[]> {
    // A chunk of the file is a megabyte at most.
    while (!this.#ended && this.#parsed.length === 0) await this.#parseNext()
    return this.#parsed.splice(0, count)
  }

  async close(): Promise<void> {
    await this.#chunks.return(undefined)
  }

  async #parseNext(): Promise<void> {
    const { value: chunk, done } = await this.#chunks.next()
    if (done) {
      this.#ended = true
      if (this.#openBytes > 0) this.#endLine(0)
      return
    }
    for (let at = 0; at < chunk.length; ) {
      const feed = chunk.indexOf(lineFeed, at)
      const to = feed === -1 ? chunk.length : feed
      if (this.#openBytes <= importLimits.rowBytes) this.#open.push(chunk.subarray(at, to))
      this.#openBytes += to - at
      if (feed !== -1) this.#endLine(1)
      at = to + 1
    }
  }

  /** @param feed bytes of the line's end */
  #endLine(feed: number): void {
    const { offset, line } = this.#place
    const text = this.#open.length === 1 ? this.#open[0]! : Buffer.concat(this.#open)
    const end = offset + this.#openBytes + feed
    const tooLong = this.#openBytes > importLimits.rowBytes
    this.#place = { offset: end, line: line + 1 }
    this.#open = []
    this.#openBytes = 0
    const row = parseLine(text, tooLong, this.#columns)
    if (row) this.#parsed.push({ ...row, end, line })
  }
}

function parseLine(
  bytes: Buffer,
  tooLong: boolean,
  columns: string[],
): Pick<Row, 'cells' | 'broken'> | undefined {
  const dirty = isDirty(bytes)
  const text = bytes.toString()
  const broken = (reason: string) => ({
    cells: [text.slice(0, longestExcerpt).replaceAll('\0', '\ufffd')],
    broken: reason,
  })
  if (tooLong) return broken(`the line is longer than ${importLimits.rowBytes} bytes`)
  if (text.trim() === '') return undefined
  const dirt = dirty ? dirtOf(text) : undefined
  if (dirt !== undefined) return broken(`the line ${dirt}`)
  try {
    const value = JSON.parse(text) as Json
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return broken('the line is not a JSON object')
    return { cells: columns.map((name) => (Object.hasOwn(value, name) ? value[name] : undefined)) }
  } catch (error) {
    return broken(`the line is not JSON: ${(error as Error).message.slice(0, 200)}`)
  }
}

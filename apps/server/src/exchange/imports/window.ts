import type { ReadBytes, RowPosition } from './row.ts'

const lineFeed = 10
const carriageReturn = 13

/** What a broken row keeps of its line. */
const maxExcerptLength = 2_000
const excerptBytes = maxExcerptLength * 4

/** The bytes of a file from the row on that is being read, as many as are needed to find its end. */
export class Window {
  readonly #pieces: AsyncGenerator<Buffer>
  #offset: number
  bytes: Buffer = Buffer.alloc(0)
  /** Up to where they were read. */
  at = 0
  line: number
  /** Whether they reach to the end of the file. */
  isLast = false

  constructor(bytes: ReadBytes, { offset, line }: RowPosition) {
    this.#pieces = bytes(offset)
    this.#offset = offset
    this.line = line
  }

  get place(): RowPosition {
    return { offset: this.#offset + this.at, line: this.line }
  }

  get isEnded(): boolean {
    return this.isLast && this.at === this.bytes.length
  }

  /** Moves behind a row. */
  take(end: number, lines: number): void {
    this.at = end
    this.line += lines
  }

  /** At least doubles what was not read yet, so that a row that comes in many pieces is not looked at anew for each. */
  async more(): Promise<void> {
    const rest = this.bytes.subarray(this.at)
    const pieces = [rest]
    for (let length = 0; length <= rest.length; ) {
      const { value, done } = await this.#pieces.next()
      if (done) {
        this.isLast = true
        break
      }
      pieces.push(value)
      length += value.length
    }
    this.#offset += this.at
    this.at = 0
    this.bytes = Buffer.concat(pieces)
  }

  /**
   * Moves behind the end of the line that `at` is in, however far that is.
   *
   * @param byReturn whether a carriage return ends a line, too
   * @param at where to look from, and in how many lines before that
   * @returns what was skipped, in short
   */
  async skipLine({
    byReturn,
    at = this.at,
    lines = 0,
  }: {
    byReturn: boolean
    at?: number
    lines?: number
  }): Promise<string> {
    const kept: Buffer[] = [this.bytes.subarray(this.at, at)]
    let length = at - this.at
    this.take(at, lines)
    for (;;) {
      const { end, isFound } = this.#lineEnd(byReturn)
      const piece = this.bytes.subarray(this.at, end)
      if (length < excerptBytes) kept.push(piece)
      length += piece.length
      this.at = end
      if (isFound || this.isEnded) break
      await this.more()
    }
    this.line++
    return excerptOf(Buffer.concat(kept))
  }

  #lineEnd(byReturn: boolean): { end: number; isFound: boolean } {
    const { bytes, at, isLast } = this
    const feed = bytes.indexOf(lineFeed, at)
    const end = feed === -1 ? bytes.length : feed + 1
    const back = byReturn ? bytes.subarray(at, end).indexOf(carriageReturn) : -1
    if (back === -1 || (feed !== -1 && at + back + 2 === end)) return { end, isFound: feed !== -1 }
    const behind = at + back + 1
    // Its line feed may come with the next bytes.
    if (behind === bytes.length && !isLast) return { end: behind - 1, isFound: false }
    return { end: behind, isFound: true }
  }

  close = async (): Promise<void> => void (await this.#pieces.return(undefined))
}

/** What a broken row keeps of its bytes. */
export const excerptOf = (bytes: Buffer) =>
  bytes.subarray(0, excerptBytes).toString().replaceAll('\0', '\ufffd').trimEnd().slice(0, maxExcerptLength)

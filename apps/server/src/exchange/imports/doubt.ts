import type { Format } from './format.ts'
import type { Row } from './row.ts'

/**
 * Behind a line that could not be read nobody knows whether the next ones are rows, or the rest of a text of several lines
 * that stood in quotes. What doesn't have a cell for every column is not taken for a row there, until one does.
 */
export class Doubt {
  readonly #width: number
  readonly #quote: string
  isOn: boolean

  constructor({ type, quote }: Pick<Format, 'type' | 'quote'>, width: number, isOn = false) {
    // Lines of JSON are rows by themselves.
    this.#width = type === 'csv' ? width : 0
    this.#quote = quote
    this.isOn = isOn
  }

  /** Of rows in the order of the file. */
  reasonAgainst({ cells, broken, isUnread }: Row): string | undefined {
    if (isUnread) this.isOn = true
    if (!this.isOn || broken !== undefined) return undefined
    this.isOn =
      cells.length < this.#width || cells.some((cell) => typeof cell === 'string' && this.#endsQuoted(cell))
    return this.isOn
      ? 'may be the rest of a row before, in which a quote is wrong: put that right, or give this row a cell for every column'
      : undefined
  }

  /** As the last line of a text in quotes does: a quote that was written twice is one of two. */
  #endsQuoted = (cell: string) => cell.endsWith(this.#quote) && cell.split(this.#quote).length % 2 === 0
}

import { SourceFailed } from './source-failed.ts'

/** Of one message of the other database; a row that may be read has a quarter of it. */
export const maxMessageBytes = 1_048_576
/** Of one answer, from a question to its end: the rows of a step, however many there are said to be. */
export const maxAnswerBytes = 64 * 1_048_576
/** Each becomes an object, however short it is: the rows of a step, or the columns of a query. */
export const maxAnswerMessages = 20_000

const tooLarge = (what: string, limit: number) =>
  new SourceFailed('query', `The database sends ${what} of more than ${limit} bytes; select fewer columns`)

/** How a message begins. */
interface Header {
  bytes: number
  /** Length of the message, its header included. */
  lengthOf: (header: Buffer) => number
}

const postgres: Header = { bytes: 5, lengthOf: (header) => header.readUInt32BE(1) + 1 }
/** A message of 16 MiB goes on in the next one. */
const mysql: Header = { bytes: 4, lengthOf: (header) => header.readUIntLE(0, 3) + 4 }

/**
 * Reads along what a database sends, before its driver does: drivers keep a message until it is complete, and an answer until
 * it has ended, however large a hostile server makes them. Nothing is kept here but a message's beginning.
 */
export class Meter {
  readonly #header: Header
  readonly #begun: Buffer
  #begunBytes = 0
  /** Of the message under way, not here yet. */
  #left = 0
  #answer = 0
  #messages = 0

  constructor(kind: 'postgres' | 'mysql') {
    this.#header = { postgres, mysql }[kind]
    this.#begun = Buffer.alloc(this.#header.bytes)
  }

  /** What was sent so far was asked for and taken. */
  reset(): void {
    this.#answer = 0
    this.#messages = 0
  }

  /** @throws {SourceFailed} as soon as a message is announced that is too large */
  take(piece: Buffer): void {
    this.#answer += piece.length
    if (this.#answer > maxAnswerBytes) throw tooLarge('an answer', maxAnswerBytes)
    for (let at = 0; at < piece.length; ) {
      const skipped = Math.min(this.#left, piece.length - at)
      this.#left -= skipped
      at += skipped
      if (at === piece.length) return
      const copied = piece.copy(this.#begun, this.#begunBytes, at)
      this.#begunBytes += copied
      at += copied
      if (this.#begunBytes < this.#header.bytes) return
      const length = this.#header.lengthOf(this.#begun)
      if (length > maxMessageBytes) throw tooLarge('a message', maxMessageBytes)
      if (++this.#messages > maxAnswerMessages)
        throw new SourceFailed('query', `The database answers with more than ${maxAnswerMessages} messages`)
      this.#begunBytes = 0
      this.#left = Math.max(0, length - this.#header.bytes)
    }
  }
}

import { isUtf8 } from 'node:buffer'
import type { Json } from '@fairway/queue'
import { TaskFailed } from '../../platform/tasks/kind.ts'
import type { Format } from './format.ts'
import { importLimits } from './format.ts'

/** A row of the file. */
export interface Row {
  /** CSV: the cells. NDJSON: the values of the columns asked for; undefined where the object has none. */
  cells: (Json | undefined)[]
  /** Where it ends, in bytes of the file: the next one begins there. */
  end: number
  /** In which line it ends. */
  line: number
  /** Why nothing can be made of it; `cells` then holds what its lines say. */
  broken?: string
  /** Of one that is broken: how many lines before that in which it ends, unless it is in one. */
  linesBefore?: number
  /** Whether no row could be made out where it begins, so that the next lines may belong to it. */
  isUnread?: boolean
}

/** Where reading begins or goes on: always between two rows. */
export interface RowPosition {
  offset: number
  line: number
}

export interface RowReader {
  /**
   * At most so many, of about {@link turnBytes}: there may be none although more follow. Undefined at the end. Who reads
   * on gives others a turn of the loop in between.
   */
  read(count: number): Promise<Row[] | undefined>
  /** Behind the last row that was given out, and behind the empty ones that were not. */
  readonly place: RowPosition
  /** Lines that say nothing, so far. */
  readonly blankLines: number
  close(): Promise<void>
}

/** Bytes of the file from an offset on. */
export type ReadBytes = (offset: number) => AsyncGenerator<Buffer>

/**
 * Read at a time at most, beyond one row. Measured: 4 ms of cells of one byte, 10 ms before the code is warm.
 */
export const turnBytes = 65_536

type Encoded = Pick<Format, 'encoding'>

/**
 * Whether a piece of the file has bytes that no text has: NUL, something else than UTF-8, or what came of bytes that are no
 * character of the file's encoding. Nearly none has, so that the texts made from it need no look one by one.
 */
export const mayBeUnstorable = (piece: Buffer, { encoding }: Encoded): boolean =>
  piece.includes(0) || !isUtf8(wholeCharacters(piece)) || (encoding !== 'utf-8' && piece.includes('\ufffd'))

/** Why a text of a dirty piece can't be stored; undefined when it can. */
export function unstorableReason(text: string, { encoding }: Encoded): string | undefined {
  if (text.includes('\0')) return 'contains a NUL character; remove it'
  if (text.includes('\ufffd'))
    return `is not ${encoding.toUpperCase()}; say which encoding the file has, or save it as UTF-8`
  return undefined
}

/** @throws {TaskFailed} for more empty lines without a row between them than any program writes */
export function requireRowsAmong(blankLines: number): void {
  if (blankLines > importLimits.blankLines)
    throw new TaskFailed(
      `The file has more than ${importLimits.blankLines} empty lines one after another; remove them, and import it again`,
    )
}

/** Without the halves of characters at both ends. */
function wholeCharacters(piece: Buffer): Buffer {
  let from = 0
  while (from < 3 && (piece[from]! & 0xc0) === 0x80) from++
  let to = piece.length
  for (let back = 1; back <= 3 && back <= to; back++) {
    const byte = piece[to - back]!
    if ((byte & 0xc0) === 0x80) continue
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1
    if (length > back) to -= back
    break
  }
  return piece.subarray(from, Math.max(from, to))
}

import { invalidField } from '../errors.ts'

/** One page of a list. */
export interface Page<Item> {
  items: Item[]
  /** Null at the end. */
  nextCursor: string | null
}

/** A cursor is where a page ended: the sort columns of its last row as text, opaque to the caller. */
export const writeCursor = (...parts: string[]): string =>
  Buffer.from(JSON.stringify(parts)).toString('base64url')

/** @throws {ApiError} 422 unless the parts look as they should */
export function readCursor(cursor: string, ...shapes: Pick<RegExp, 'test'>[]): string[] {
  try {
    const parts = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as unknown[]
    const fits = (shape: (typeof shapes)[number], i: number) => {
      const part = parts[i]
      return typeof part === 'string' && shape.test(part)
    }
    if (parts.length === shapes.length && shapes.every(fits)) return parts as string[]
  } catch {
    // Said below.
  }
  throw invalidField('cursor', 'must be the nextCursor of the page before')
}

/** `timestamptz::text`: to the microsecond, where a Date would cut to milliseconds and repeat rows. */
export const timestampShape = /^\d{4,5}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?[+-]\d\d(:\d\d){0,2}$/
export const integerShape = /^\d{1,18}$/
export const uuidShape = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** Takes rows read up to one beyond the page. */
export function toPage<Row, Item>(
  rows: Row[],
  limit: number,
  cursorOf: (last: Row) => string,
  toItem: (row: Row) => Item,
): Page<Item> {
  const shown = rows.slice(0, limit)
  return { items: shown.map(toItem), nextCursor: rows.length > limit ? cursorOf(shown.at(-1)!) : null }
}

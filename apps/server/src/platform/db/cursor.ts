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

/** What a part must look like: a regular expression, or anything else that can tell. */
export interface Shape {
  test(text: string): boolean
}

/** @throws {ApiError} 422 unless the parts look as they should: anybody may have written them */
export function readCursor(cursor: string, ...shapes: Shape[]): string[] {
  try {
    const parts = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as unknown[]
    const fits = (part: unknown, i: number): part is string =>
      typeof part === 'string' && !part.includes('\0') && shapes[i]!.test(part)
    if (parts.length === shapes.length && parts.every(fits)) return parts
  } catch {
    // Said below.
  }
  throw invalidField('cursor', 'must be the nextCursor of the page before')
}

/** `timestamptz::text`: to the microsecond, where a Date would cut to milliseconds and repeat rows. */
export const timestampShape: Shape = {
  test(text) {
    const match = timestamp.exec(text)
    if (!match) return false
    const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as Six
    // A day that the calendar has not is moved into another month.
    return (
      new Date(Date.UTC(year, month - 1, day)).getUTCDate() === day && hour < 24 && minute < 60 && second < 60
    )
  },
}
type Six = [number, number, number, number, number, number]
const timestamp =
  /^(\d{4}|[1-9]\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01]) (\d\d):(\d\d):(\d\d)(?:\.\d{1,6})?[+-](?:0\d|1[0-5])(?::[0-5]\d){0,2}$/
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

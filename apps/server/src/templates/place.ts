/**
 * Where a render thread is, in memory that it shares with the thread that watches it: the number of the item, counted from
 * 1, and the part of the mail. What is stopped can so be named.
 */
export interface Place {
  item: number
  part: string
}

export const nowhere: Place = { item: 0, part: 'mail' }

const parts = ['mail', 'from', 'reply_to', 'subject', 'preheader', 'html', 'text', 'headers']

/** Nowhere, until somebody shares a place. */
let cells: Int32Array = new Int32Array(2)

export const newPlace = (): SharedArrayBuffer => new SharedArrayBuffer(8)

export const sharePlace = (place: SharedArrayBuffer): void => {
  cells = new Int32Array(place)
}

/** The next thing done is this item; 0 when there is none. */
export function enterItem(item: number): void {
  Atomics.store(cells, 1, 0)
  Atomics.store(cells, 0, item)
}

export const enterPart = (part: string): void => {
  Atomics.store(cells, 1, Math.max(0, parts.indexOf(part.split('.', 1)[0]!)))
}

export function readPlace(place: SharedArrayBuffer): Place {
  const shared = new Int32Array(place)
  return { item: Atomics.load(shared, 0), part: parts[Atomics.load(shared, 1)]! }
}

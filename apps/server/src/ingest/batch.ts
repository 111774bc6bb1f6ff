import type { Fields } from '../audience/items/fields.ts'
import { namesNobody } from '../audience/items/fields.ts'
import type { IngestItem, RejectedItem } from '../audience/items/item.ts'
import type { App } from '../platform/app.ts'
import { ApiError } from '../platform/errors.ts'
import { accept } from './accept.ts'

/** A call that was refused, as its sender is told. */
export interface Refused {
  index: number
  reason: string
  code: string
  /** Relative to the call. */
  field: string | undefined
}

export interface Sorted {
  items: IngestItem[]
  refused: Refused[]
  /** The first of the refused, for the project's log: clients of these APIs don't read a successful reply. */
  notes: RejectedItem[]
}

/** Refused calls of one request that are noted at most: a broken sender's log is full of the same. */
const maxNotes = 10

/**
 * Reads the calls of a batch one by one, so that a bad one doesn't cost the good ones.
 *
 * @param describe what of a refused call to note; gets whatever was sent in its place
 */
export function sortBatch(
  calls: unknown[],
  read: (call: unknown, path: string) => IngestItem[],
  describe: (call: Fields) => Pick<RejectedItem, 'person' | 'call'>,
  base: Pick<RejectedItem, 'acceptedAt' | 'source'>,
): Sorted {
  const sorted: Sorted = { items: [], refused: [], notes: [] }
  calls.forEach((call, index) => {
    const path = `batch.${index}`
    try {
      for (const item of read(call, path)) sorted.items.push(item)
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      const field = error.field?.startsWith(path) ? error.field.slice(path.length + 1) : error.field
      sorted.refused.push({ index, reason: error.message, code: error.code, field: field || undefined })
      if (sorted.notes.length < maxNotes)
        sorted.notes.push({ kind: 'rejected', reason: error.message, ...base, ...describe(fieldsOf(call)) })
    }
  })
  return sorted
}

/**
 * Reads one call that came alone. One that names nobody is refused like any other wrong one, and noted as well: whoever sends
 * it is a program that doesn't know, and rarely one that reads replies.
 */
export function readAlone(
  app: App,
  projectId: number,
  read: () => IngestItem[],
  describe: () => Omit<RejectedItem, 'kind' | 'reason'>,
): IngestItem[] | Promise<never> {
  try {
    return read()
  } catch (error) {
    if (!namesNobody(error)) throw error
    const refuse = () => {
      throw error
    }
    // The refusal stands, whether or not there is room for the note.
    return accept(app, projectId, [{ kind: 'rejected', reason: error.message, ...describe() }]).then(
      refuse,
      refuse,
    )
  }
}

const fieldsOf = (call: unknown): Fields =>
  typeof call === 'object' && call !== null ? (call as Fields) : {}

/** A short text or number for a note, undefined for everything else. */
export function brief(value: unknown): string | undefined {
  if (typeof value === 'string') return value.slice(0, 255)
  return typeof value === 'number' ? String(value) : undefined
}

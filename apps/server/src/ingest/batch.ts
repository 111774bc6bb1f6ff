import type { FastifyRequest } from 'fastify'
import type { Fields } from '../audience/items/fields.ts'
import { namesNobody } from '../audience/items/fields.ts'
import type { IngestItem, RejectedItem } from '../audience/items/item.ts'
import type { App } from '../platform/app.ts'
import { ApiError, badRequest, tooLarge } from '../platform/errors.ts'
import { accept, acceptGroup, jobOf } from './accept.ts'
import type { Body } from './body.ts'
import { LargeList } from './large-list.ts'
import { largeTurnsOf } from './large-turns.ts'

/** A call that was refused, as its sender is told. */
export interface Refused {
  index: number
  reason: string
  code: string
  /** Relative to the call. */
  field: string | undefined
}

/** How an API reads the calls of a batch. */
interface Reader {
  body: Body
  read: (call: unknown, path: string, body: Body) => IngestItem[]
  /** What of a refused call to note; gets whatever was sent in its place. */
  describe: (call: Fields) => Pick<RejectedItem, 'person' | 'call'>
  base: Pick<RejectedItem, 'acceptedAt' | 'source'>
}

export interface Taken {
  /** Items of the calls that were taken. */
  items: number
  refused: Refused[]
}

/** Refused calls of one request that are noted at most: a broken sender's log is full of the same. */
const maxNotes = 10

/** The list of calls, or of whatever the API calls them. */
export type Calls = unknown[] | LargeList

export function readCalls(body: Body, most: number, noun: string): Calls {
  const calls = body.list ?? (body.value as { batch?: unknown } | null)?.batch
  if (!Array.isArray(calls) && !(calls instanceof LargeList))
    throw badRequest(`batch is missing; it must be a list of ${noun}`, 'batch')
  if (calls.length > most)
    throw tooLarge(`batch has ${calls.length} ${noun}; one request may have ${most}`, 'batch')
  return calls
}

/**
 * Accepts the calls of a batch, each read by itself, so that a bad one doesn't cost the good ones: all that are good, or none.
 * Those of a large batch are read and encoded in turns with what else there is to do.
 */
export async function takeBatch(
  app: App,
  projectId: number,
  calls: Calls,
  reader: Reader,
  request: FastifyRequest,
): Promise<Taken> {
  const refused: Refused[] = []
  // The first of the refused, for the project's log: clients of these APIs don't read a successful reply.
  const notes: RejectedItem[] = []
  const sort = (call: unknown, index: number, body: Body, take: (item: IngestItem) => void) => {
    const path = `batch.${index}`
    let items: IngestItem[]
    try {
      items = reader.read(call, path, body)
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      const field = error.field?.startsWith(path) ? error.field.slice(path.length + 1) : error.field
      refused.push({ index, reason: error.message, code: error.code, field: field || undefined })
      if (notes.length < maxNotes)
        notes.push({
          kind: 'rejected',
          reason: error.message,
          ...reader.base,
          ...reader.describe(fieldsOf(call)),
        })
      return
    }
    for (const item of items) take(item)
  }
  if (Array.isArray(calls)) {
    const items: (IngestItem | RejectedItem)[] = []
    for (const [index, call] of calls.entries()) sort(call, index, reader.body, (item) => items.push(item))
    const taken = { items: items.length, refused }
    await accept(app, projectId, items.concat(notes))
    return taken
  }
  const group = app.queue.gather()
  let items = 0
  const put = (data: IngestItem | RejectedItem) => group.put(jobOf(projectId, data))
  const cut = { ...reader.body, isCut: true }
  await largeTurnsOf(app).run(projectId, request.raw.socket, (turn) =>
    calls.forEach(turn, (call, index, isCut) =>
      sort(call, index, isCut ? cut : reader.body, (item) => {
        items++
        put(item)
      }),
    ),
  )
  for (const note of notes) put(note)
  await acceptGroup(app, projectId, group)
  return { items, refused }
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

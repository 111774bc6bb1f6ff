import type { DeadLetter, DeadLetterQuery } from '../../api/types.ts'
import { encodeRecord, freshRecord, type JobRecord } from '../../pages/job-record.ts'
import { packPages } from '../../pages/pack-pages.ts'
import { getOrMake, type StoredDeadLetter, type Tables } from './tables.ts'

/** Newest first. A letter's ref is its number, so that `after` goes on behind a letter that is gone meanwhile. */
export function deadLetters(tables: Tables, query: DeadLetterQuery): DeadLetter[] {
  const { lane, tenant, name, limit, withData = true } = query
  const reason = query.reason?.toLowerCase()
  const before = query.before === undefined ? undefined : Date.parse(query.before)
  const refs = query.refs && new Set(query.refs.map(numberOf))
  const after = numberOf(query.after)
  return newestFirst(tables)
    .filter(
      ([number, letter]) =>
        (lane === undefined || letter.lane === lane) &&
        (tenant === undefined || letter.tenant === tenant) &&
        (name === undefined || letter.name === name) &&
        (reason === undefined || letter.reason.toLowerCase().includes(reason)) &&
        (before === undefined || letter.diedAt < before) &&
        (refs === undefined || refs.has(number)) &&
        (after === undefined || number < after),
    )
    .slice(0, limit)
    .map(([number, letter]) => {
      const { id, attempts } = letter
      return {
        ref: String(number),
        id,
        lane: letter.lane,
        tenant: letter.tenant,
        name: letter.name,
        ...(withData && { data: JSON.parse(dataOf(tables, letter)) }),
        attempts,
        reason: letter.reason,
        diedAt: new Date(letter.diedAt),
      }
    })
}

/** Each job starts again with all its attempts, in the stream where it waited. */
export function retryDead(tables: Tables, wanted: { ref: string; dueAt: number }[]): number {
  const byDueTime = new Map<number, StoredDeadLetter[]>()
  let count = 0
  for (const { ref, dueAt } of wanted) {
    const letter = take(tables, ref)
    if (!letter) continue
    count++
    getOrMake(byDueTime, dueAt, () => []).push(letter)
  }
  for (const [dueAt, letters] of byDueTime) {
    const jobs = letters.map((letter) => {
      const record = encodeRecord(recordOf(tables, letter))
      const { lane, tenant, stream = '' } = letter
      return { lane, tenant, stream, record, bytes: Buffer.byteLength(record) }
    })
    for (const page of packPages(jobs)) tables.schedule({ ...page, dueAt })
  }
  return count
}

export function discardDead(tables: Tables, refs: string[]): number {
  let count = 0
  for (const ref of refs) {
    const letter = take(tables, ref)
    if (!letter) continue
    count++
    if (letter.blob !== undefined) tables.blobs.delete(letter.blob)
  }
  return count
}

export function retainDead(tables: Tables, limits: { maxAgeMs: number; maxBytes: number }): number {
  const oldest = tables.now() - limits.maxAgeMs
  const refs: string[] = []
  let bytes = 0
  for (const [number, letter] of newestFirst(tables)) {
    bytes += Buffer.byteLength(letter.reason) + Buffer.byteLength(dataOf(tables, letter))
    if (letter.diedAt < oldest || bytes > limits.maxBytes) refs.push(String(number))
  }
  return discardDead(tables, refs)
}

function recordOf(tables: Tables, letter: StoredDeadLetter): JobRecord {
  const { id, name, data, blob } = letter
  if (blob === undefined) return freshRecord(id, name, { json: data })
  return freshRecord(id, name, { blob, bytes: Buffer.byteLength(dataOf(tables, letter)) })
}

const newestFirst = (tables: Tables): [number, StoredDeadLetter][] =>
  [...tables.deadLetters].sort(([a], [b]) => b - a)

const dataOf = (tables: Tables, { blob, data }: StoredDeadLetter): string =>
  (blob === undefined ? undefined : tables.blobs.get(blob)?.data) ?? data

function take(tables: Tables, ref: string): StoredDeadLetter | undefined {
  const number = numberOf(ref)
  if (number === undefined) return
  const letter = tables.deadLetters.get(number)
  tables.deadLetters.delete(number)
  return letter
}

/** Undefined for what is the ref of no letter of this store. */
const numberOf = (ref: string | undefined): number | undefined =>
  ref !== undefined && /^[1-9]\d{0,14}$/.test(ref) ? Number(ref) : undefined

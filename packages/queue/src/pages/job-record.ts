import type { Json } from '../api/types.ts'

/**
 * A page body is the jobs' records, joined by commas: `["id","name",data],["id","name",data,2,{"d":17}]`. The fourth member
 * is the number of attempts already made, the fifth what few jobs have; both are left out when there is none. Without outer
 * brackets two bodies are joined by a comma, in SQL too.
 *
 * In memory a record stays the array it was parsed to: an object for each of thousands of jobs would be made for nothing.
 */
export type JobRecord = [id: string, name: string, data: Json, attempts?: number, extra?: Extra]

interface Extra {
  /** When it first became ready, epoch ms: of jobs that were stored again. */
  f?: number
  /** Deadline, epoch ms. */
  d?: number
  /** Blob id: the data is stored apart and `null` here. */
  b?: string
  /** Size of the blob in bytes. */
  s?: number
  /** How often a worker that held it died or fell silent. */
  l?: number
}

export const idOf = (record: JobRecord): string => record[0]
export const nameOf = (record: JobRecord): string => record[1]
/** `null` where the data are in a blob. */
export const dataOf = (record: JobRecord): Json => record[2]
/** Attempts already made. */
export const attemptsOf = (record: JobRecord): number => record[3] ?? 0
/** When the job first became ready, epoch ms; undefined: with its page. */
export const firstReadyOf = (record: JobRecord): number | undefined => record[4]?.f
/** Epoch ms. */
export const deadlineOf = (record: JobRecord): number | undefined => record[4]?.d
/** Where the data are, if not in the record. */
export const blobIdOf = (record: JobRecord): string | undefined => record[4]?.b
export const blobBytesOf = (record: JobRecord): number => record[4]?.s ?? 0
/** Workers lost while they held the job. */
export const lossesOf = (record: JobRecord): number => record[4]?.l ?? 0

/** The same job for another run, with `attempts` made; `firstReadyAt` is kept if it has none yet. */
export function retried(record: JobRecord, attempts: number, firstReadyAt: number): JobRecord {
  const [id, name, data, , extra] = record
  return [id, name, data, attempts, { ...extra, f: extra?.f ?? firstReadyAt }]
}

/** The same job after another worker was lost with it. */
export function lostAgain(
  record: JobRecord,
  attempts: number,
  losses: number,
  firstReadyAt: number,
): JobRecord {
  const [id, name, data, , extra] = record
  return [id, name, data, attempts, { f: firstReadyAt, ...extra, l: losses }]
}

/** A job to be tried afresh, with its data in the record or in a blob. */
export const freshRecord = (
  id: string,
  name: string,
  data: { json: string } | { blob: string; bytes: number },
): JobRecord =>
  'json' in data ? [id, name, JSON.parse(data.json)] : [id, name, null, 0, { b: data.blob, s: data.bytes }]

/** Encodes a job that was never tried. `data` is JSON text, and left out when it is in the blob. */
export function encodeNewRecord(
  id: string,
  name: string,
  data: string,
  deadline: number | undefined,
  blob: { id: string; bytes: number } | undefined,
): string {
  const inline = `[${quote(id)},${quote(name)},${blob ? 'null' : data}`
  if (deadline === undefined && !blob) return `${inline}]`
  const extra: Extra = {}
  if (deadline !== undefined) extra.d = deadline
  if (blob) {
    extra.b = blob.id
    extra.s = blob.bytes
  }
  return `${inline},0,${JSON.stringify(extra)}]`
}

export function encodeRecord([id, name, data, attempts, extra]: JobRecord): string {
  if (extra && Object.keys(extra).length > 0) return JSON.stringify([id, name, data, attempts ?? 0, extra])
  return JSON.stringify(attempts ? [id, name, data, attempts] : [id, name, data])
}

/** A body of these records, with its size. */
export function encodeBody(records: readonly JobRecord[]): { jobs: number; bytes: number; body: string } {
  const body = records.map(encodeRecord).join(',')
  return { jobs: records.length, bytes: Buffer.byteLength(body), body }
}

export function decodeBody(body: string): JobRecord[] {
  return JSON.parse(`[${body}]`) as JobRecord[]
}

/** Blobs that the records of a body refer to. */
export function blobsOf(body: string): string[] {
  // Few bodies have any: most need not be parsed.
  if (!body.includes('"b":"')) return []
  return decodeBody(body).flatMap((record) => blobIdOf(record) || [])
}

/** Most ids and names need no escaping, and telling that is cheaper than escaping them. */
const plain = /^[\w.:@-]*$/
const quote = (text: string): string => (plain.test(text) ? `"${text}"` : JSON.stringify(text))

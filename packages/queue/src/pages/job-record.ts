import type { Json } from '../api/types.ts'

/**
 * A page body is the jobs' records, joined by commas: `["id","name",data],["id","name",data,2,{"d":17}]`. The fourth member
 * is the number of attempts already made, the fifth what few jobs have; both are left out when there is none. Without outer
 * brackets two bodies are joined by a comma, in SQL too.
 */
export type JobRecord = [id: string, name: string, data: Json, attempts?: number, extra?: RecordExtra]

export interface RecordExtra {
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
  return decodeBody(body).flatMap((record) => (record[4]?.b ? [record[4].b] : []))
}

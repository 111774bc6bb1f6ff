import { InvalidJob } from '../api/errors.ts'
import { limits } from '../api/limits.ts'
import type { JobInput } from '../api/types.ts'
import { roundDueTime } from './due-time.ts'
import { newJobId } from './job-id.ts'
import { encodeNewRecord } from './job-record.ts'
import type { Blob, NewPage } from './page.ts'
import { keyStream, priorityStream } from './streams.ts'

export interface EncodedJob {
  id: string
  lane: string
  tenant: string
  stream: string
  record: string
  /** Of the record in UTF-8. */
  bytes: number
  /** Epoch ms, or undefined for at once. */
  dueAt: number | undefined
  blob?: Blob
  unique?: NewPage['unique']
}

/** Checks a job against the limits and encodes it once; the record is not touched again until a worker parses it. */
export function encodeJob(job: JobInput, now: number): EncodedJob {
  checkName('lane', job.lane, limits.nameLength)
  checkName('tenant', job.tenant, limits.nameLength)
  checkName('name', job.name, limits.nameLength)
  if (job.id !== undefined) checkName('id', job.id, limits.idLength)
  const id = job.id ?? newJobId(now)
  const stream = streamOf(job)
  const data = encodeData(job.data)
  const dueAt = dueTime(job, now)
  const deadline = isGiven(job.deadline) ? timeOf('deadline', job.deadline) : undefined
  const blob = blobFor(data, now)
  const record = encodeNewRecord(id, job.name, data, deadline, blob)
  const bytes = Buffer.byteLength(record)
  const total = bytes + (blob?.bytes ?? 0)
  if (total > limits.jobBytes)
    throw new InvalidJob('data', `The job takes ${total} bytes; at most ${limits.jobBytes} are allowed`)
  const encoded: EncodedJob = { id, lane: job.lane, tenant: job.tenant, stream, record, bytes, dueAt }
  if (blob) encoded.blob = { id: blob.id, data }
  if (job.dedupe) encoded.unique = uniqueOf(job.dedupe, id, now)
  return encoded
}

/** Bytes that the job takes in memory and in the store. */
export const totalBytes = ({ bytes, blob }: EncodedJob): number => bytes + (blob ? blob.data.length : 0)

function dueTime({ runAt, delayMs }: JobInput, now: number): number | undefined {
  // As nearly all are.
  if (runAt === undefined && delayMs === undefined) return undefined
  const dueAt = isGiven(runAt) ? timeOf('runAt', runAt) : now + delayOf(delayMs)
  return dueAt <= now ? undefined : roundDueTime(dueAt, now)
}

const isGiven = <Value>(value: Value | null | undefined): value is Value =>
  value !== undefined && value !== null

function delayOf(delayMs: unknown): number {
  if (!isGiven(delayMs)) return 0
  if (typeof delayMs === 'number' && delayMs <= limits.delayMs) return delayMs
  throw new InvalidJob('delayMs', `delayMs must be a number of milliseconds up to ${limits.delayMs}`)
}

function timeOf(field: string, date: Date): number {
  const time = typeof date.getTime === 'function' ? date.getTime() : Number.NaN
  if (Number.isFinite(time)) return time
  throw new InvalidJob(field, `${field} must be a valid Date`)
}

function streamOf({ key, priority }: JobInput): string {
  if (priority !== undefined && !(Number.isInteger(priority) && priority >= 0 && priority <= 3))
    throw new InvalidJob('priority', 'priority must be a whole number from 0 to 3')
  if (key === undefined) return priority ? priorityStream(priority) : ''
  checkName('key', key, limits.nameLength)
  if (priority)
    throw new InvalidJob('priority', 'A job with a key runs in the order of its key: leave priority out')
  return keyStream(key)
}

/** Data too large for a page; undefined: they go into the record. */
function blobFor(data: string, now: number): (Blob & { bytes: number }) | undefined {
  // Characters bound bytes from below and a third of the bytes from above: most jobs need no second count.
  if (data.length <= limits.inlineBytes / 3) return undefined
  const bytes = Buffer.byteLength(data)
  return bytes > limits.inlineBytes ? { id: newJobId(now), data, bytes } : undefined
}

function uniqueOf({ key, windowMs }: NonNullable<JobInput['dedupe']>, id: string, now: number) {
  checkName('dedupe.key', key, limits.nameLength)
  if (!(typeof windowMs === 'number' && windowMs > 0 && windowMs <= limits.dedupeMs))
    throw new InvalidJob('dedupe.windowMs', `The window must be above 0 and at most ${limits.dedupeMs} ms`)
  return { key, until: now + windowMs, id }
}

function encodeData(data: unknown): string {
  let encoded: string | undefined
  try {
    encoded = JSON.stringify(data)
  } catch (error) {
    throw new InvalidJob('data', `The data is not JSON: ${(error as Error).message}`)
  }
  return encoded ?? 'null'
}

function checkName(field: string, value: unknown, longest: number): void {
  if (typeof value !== 'string' || value.length === 0)
    throw new InvalidJob(field, `${field} must be a non-empty string`)
  if (value.length > longest) throw new InvalidJob(field, `${field} is longer than ${longest} characters`)
  if (value.includes('\u0000')) throw new InvalidJob(field, `${field} must not contain a NUL character`)
  // Stored it would be another name, and nothing would be found by it.
  if (!value.isWellFormed()) throw new InvalidJob(field, `${field} must not contain half of a surrogate pair`)
}

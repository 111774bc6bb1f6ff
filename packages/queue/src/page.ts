import { InvalidJob } from './errors.ts'
import { newJobId } from './job-id.ts'
import type { Blob, NewPage } from './store.ts'
import { keyStream, priorityStream } from './streams.ts'
import type { JobInput, Json } from './types.ts'

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

/** Pages hold at most this many jobs. 500 measured best: larger pages gain little and make a claim coarser. */
export const maxPageJobs = 500
/** Pages hold at most this many bytes, unless a single job is larger. */
export const maxPageBytes = 256 * 1024

export const limits = {
  /** Longest lane, tenant, name, key and dedupe key, in characters. */
  nameLength: 200,
  idLength: 64,
  /** Largest encoded job in bytes. */
  jobBytes: 1024 * 1024,
  /** Payloads above this many bytes are kept beside the page: a page stays small to claim whatever its jobs carry. */
  inlineBytes: 64 * 1024,
  /** Longest window of a dedupe key: 31 days. */
  dedupeMs: 31 * 86_400_000,
  /** Longest delay, snooze or backoff, and longest interval of a schedule: ten years. */
  delayMs: 3_650 * 86_400_000,
} as const

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
  const encoded: EncodedJob = {
    id,
    lane: job.lane,
    tenant: job.tenant,
    stream,
    record: '',
    bytes: 0,
    dueAt: dueTime(job, now),
  }
  const extra = encodeExtra(job, data, encoded, now)
  const inline = encoded.blob ? 'null' : data
  encoded.record = `[${quote(id)},${quote(job.name)},${inline}${extra}]`
  encoded.bytes = Buffer.byteLength(encoded.record)
  const total = encoded.bytes + (encoded.blob ? Buffer.byteLength(encoded.blob.data) : 0)
  if (total > limits.jobBytes)
    throw new InvalidJob('data', `The job takes ${total} bytes; at most ${limits.jobBytes} are allowed`)
  if (job.dedupe) encoded.unique = uniqueOf(job.dedupe, id, now)
  return encoded
}

/** Bytes that the job takes in memory and in the store. */
export const totalBytes = ({ bytes, blob }: EncodedJob): number => bytes + (blob ? blob.data.length : 0)

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

interface Packable {
  lane: string
  tenant: string
  stream: string
  record: string
  bytes: number
  blob?: Blob
  unique?: NewPage['unique']
}

/**
 * Packs jobs, in order, into as few pages as the limits allow: one page per tenant, lane and stream, more for many jobs.
 * A job with a dedupe key has a page of its own, because whether it is stored is decided page by page.
 */
export function packPages(jobs: readonly Packable[]): NewPage[] {
  const pages: NewPage[] = []
  const open = new Map<string, OpenPage>()
  let last: OpenPage | undefined
  for (const job of jobs) {
    const { lane, tenant, stream } = job
    if (job.unique) {
      const page: NewPage = {
        lane,
        tenant,
        stream,
        jobs: 1,
        bytes: job.bytes,
        body: job.record,
        unique: job.unique,
      }
      if (job.blob) page.blobs = [job.blob]
      pages.push(page)
      continue
    }
    let entry = last
    // Jobs of one tenant often come in a row.
    if (!entry || entry.tenant !== tenant || entry.lane !== lane || entry.stream !== stream) {
      const key = `${lane}\u0000${tenant}\u0000${stream}`
      entry = open.get(key)
      if (!entry) open.set(key, (entry = { lane, tenant, stream, page: undefined, records: [] }))
      last = entry
    }
    let { page } = entry
    if (page && (entry.records.length >= maxPageJobs || page.bytes + job.bytes > maxPageBytes))
      page = close(entry)
    if (!page) {
      page = { lane, tenant, stream, jobs: 0, bytes: 0, body: '' }
      entry.page = page
      pages.push(page)
    }
    entry.records.push(job.record)
    page.bytes += job.bytes
    if (job.blob) (page.blobs ??= []).push(job.blob)
  }
  for (const entry of open.values()) close(entry)
  return pages
}

interface OpenPage {
  lane: string
  tenant: string
  stream: string
  page: NewPage | undefined
  records: string[]
}

function close(entry: OpenPage): undefined {
  const { page, records } = entry
  if (!page) return
  page.body = records.length === 1 ? records[0]! : records.join(',')
  page.bytes += records.length - 1
  page.jobs = records.length
  entry.page = undefined
  entry.records = []
}

/**
 * Due times are rounded up to a grid, so that jobs due close together share a page: 50 ms for delays below ten seconds,
 * one second for longer ones. A job never runs early.
 */
export function roundDueTime(dueAt: number, now: number): number {
  const grid = dueAt - now < 10_000 ? 50 : 1_000
  return Math.ceil(dueAt / grid) * grid
}

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

/** The fourth and fifth member of the record, with their commas. Moves large data into `encoded.blob`. */
function encodeExtra(job: JobInput, data: string, encoded: EncodedJob, now: number): string {
  const extra: RecordExtra = {}
  if (isGiven(job.deadline)) extra.d = timeOf('deadline', job.deadline)
  // Characters bound bytes from below and a third of the bytes from above: most jobs need no second count.
  if (data.length > limits.inlineBytes / 3) {
    const size = Buffer.byteLength(data)
    if (size > limits.inlineBytes) {
      extra.b = newJobId(now)
      extra.s = size
      encoded.blob = { id: extra.b, data }
    }
  }
  return extra.d === undefined && extra.b === undefined ? '' : `,0,${JSON.stringify(extra)}`
}

function uniqueOf({ key, windowMs }: NonNullable<JobInput['dedupe']>, id: string, now: number) {
  checkName('dedupe.key', key, limits.nameLength)
  if (!(typeof windowMs === 'number' && windowMs > 0 && windowMs <= limits.dedupeMs))
    throw new InvalidJob('dedupe.windowMs', `The window must be above 0 and at most ${limits.dedupeMs} ms`)
  return { key, until: now + windowMs, id }
}

/** Most ids and names need no escaping, and telling that is cheaper than escaping them. */
const plain = /^[\w.:@-]*$/
const quote = (text: string): string => (plain.test(text) ? `"${text}"` : JSON.stringify(text))

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

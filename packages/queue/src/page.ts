import { randomBytes } from 'node:crypto'
import { InvalidJob } from './errors.ts'
import type { Page } from './store.ts'
import type { JobInput, Json } from './types.ts'

/**
 * A page body is the jobs' records, joined by commas: `["id","name",data],["id","name",data,2]`. The fourth member is the
 * number of attempts already made, absent when none. Without outer brackets two bodies are joined by a comma, in SQL too.
 */
export type JobRecord = [id: string, name: string, data: Json, attempts?: number]

/** Pages hold at most this many jobs. 500 measured best: larger pages gain little and make a claim coarser. */
export const maxPageJobs = 500
/** Pages hold at most this many bytes, unless a single job is larger. */
export const maxPageBytes = 256 * 1024

export const limits = {
  /** Longest lane, tenant, name and id, in characters. */
  nameLength: 200,
  idLength: 64,
  /** Largest encoded job in bytes. */
  jobBytes: 1024 * 1024,
} as const

/** Fifteen random base-36 digits per process and a counter: unique across processes, short, cheap. */
const processPart = BigInt(`0x${randomBytes(6).toString('hex')}`).toString(36)
let counter = 0
export function newJobId(now: number): string {
  counter = (counter + 1) % 1_679_616
  return `${now.toString(36)}${processPart}${counter.toString(36).padStart(4, '0')}`
}

export interface EncodedJob {
  id: string
  lane: string
  tenant: string
  record: string
  bytes: number
  /** Epoch ms, or undefined for at once. */
  dueAt: number | undefined
}

/** Checks a job against the limits and encodes it once; the record is not touched again until a worker parses it. */
export function encodeJob(job: JobInput, now: number): EncodedJob {
  checkName('lane', job.lane, limits.nameLength)
  checkName('tenant', job.tenant, limits.nameLength)
  checkName('name', job.name, limits.nameLength)
  if (job.id !== undefined) checkName('id', job.id, limits.idLength)
  const id = job.id ?? newJobId(now)
  const data = encodeData(job.data)
  const record = `[${JSON.stringify(id)},${JSON.stringify(job.name)},${data}]`
  const bytes = Buffer.byteLength(record)
  if (bytes > limits.jobBytes)
    throw new InvalidJob('data', `The job takes ${bytes} bytes; at most ${limits.jobBytes} are allowed`)
  return { id, lane: job.lane, tenant: job.tenant, record, bytes, dueAt: dueTime(job, now) }
}

export function encodeRecord(record: JobRecord): string {
  return JSON.stringify(record[3] ? record : record.slice(0, 3))
}

export function decodeBody(body: string): JobRecord[] {
  return JSON.parse(`[${body}]`) as JobRecord[]
}

interface Packable {
  lane: string
  tenant: string
  record: string
  bytes: number
}

/** Packs jobs, in order, into as few pages as the limits allow: one page per tenant and lane, more for many jobs. */
export function packPages(jobs: readonly Packable[]): Page[] {
  const pages: Page[] = []
  const open = new Map<string, { page: Page; records: string[] }>()
  const close = (entry: { page: Page; records: string[] }) => {
    entry.page.body = entry.records.join(',')
    entry.page.bytes += entry.records.length - 1
    entry.page.jobs = entry.records.length
  }
  for (const job of jobs) {
    const key = `${job.lane}\u0000${job.tenant}`
    let entry = open.get(key)
    if (entry && (entry.records.length >= maxPageJobs || entry.page.bytes + job.bytes > maxPageBytes)) {
      close(entry)
      entry = undefined
    }
    if (!entry) {
      entry = { page: { lane: job.lane, tenant: job.tenant, jobs: 0, bytes: 0, body: '' }, records: [] }
      open.set(key, entry)
      pages.push(entry.page)
    }
    entry.records.push(job.record)
    entry.page.bytes += job.bytes
  }
  for (const entry of open.values()) close(entry)
  return pages
}

/**
 * Due times are rounded up to a grid, so that jobs due close together share a page: 50 ms for delays below ten seconds,
 * one second for longer ones. A job never runs early.
 */
export function roundDueTime(dueAt: number, now: number): number {
  const grid = dueAt - now < 10_000 ? 50 : 1_000
  return Math.ceil(dueAt / grid) * grid
}

function dueTime(job: JobInput, now: number): number | undefined {
  const dueAt = job.runAt ? job.runAt.getTime() : job.delayMs ? now + job.delayMs : undefined
  if (dueAt === undefined) return undefined
  if (!Number.isFinite(dueAt))
    throw new InvalidJob(job.runAt ? 'runAt' : 'delayMs', 'The due time is not a valid time')
  return dueAt <= now ? undefined : roundDueTime(dueAt, now)
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
}

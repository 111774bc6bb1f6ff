import type { EncodedJob } from './encode-job.ts'
import { type Blob, maxPageBytes, maxPageJobs, type NewPage } from './page.ts'

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

/** Packs jobs into pages that are ready now and pages for later, one set per due time. */
export function splitByDueTime(jobs: EncodedJob[]): NewPage[] {
  if (jobs.every((job) => job.dueAt === undefined)) return packPages(jobs)
  const ready: EncodedJob[] = []
  const byDueTime = new Map<number, EncodedJob[]>()
  for (const job of jobs) {
    if (job.dueAt === undefined) ready.push(job)
    else {
      const group = byDueTime.get(job.dueAt)
      if (group) group.push(job)
      else byDueTime.set(job.dueAt, [job])
    }
  }
  const pages = packPages(ready)
  for (const [dueAt, group] of byDueTime) for (const page of packPages(group)) pages.push({ ...page, dueAt })
  return pages
}

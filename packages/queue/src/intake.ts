import type { Admission } from './admission.ts'
import type { ByteAccount } from './byte-ledger.ts'
import { QueueClosed, QueueError, QueueOverloaded, QueueUnavailable } from './errors.ts'
import { type EncodedJob, packPages, totalBytes } from './page.ts'
import { pause } from './signal.ts'
import type { NewPage, Store } from './store.ts'
import type { Added } from './types.ts'

interface Waiting {
  jobs: EncodedJob[]
  bytes: number
  resolve: (duplicates: Duplicates) => void
  reject: (error: Error) => void
}

/** By the job's unique key (the very object): the id of the job that was there before. */
type Duplicates = ReadonlyMap<unknown, string>
const none: Duplicates = new Map()

/** One commit takes at most this many jobs, so that a flood does not make a single caller wait for one huge commit. */
const maxCommitJobs = 10_000

/**
 * Group commit: callers that arrive while a commit is under way share the next one. Under load that makes one transaction
 * of hundreds of adds (measured on two cores with fsync: 8,400 adds/s one by one, 75,000 grouped); alone, an add is
 * committed at once.
 */
export class Intake {
  readonly #store: Store
  readonly #buffer: ByteAccount
  readonly #admission: Admission
  readonly #onStored: (what: 'ready' | 'scheduled', dueAt?: number) => void
  #waiting: Waiting[] = []
  #committing: Promise<void> | undefined
  #closed = false

  constructor(
    store: Store,
    buffer: ByteAccount,
    admission: Admission,
    onStored: (what: 'ready' | 'scheduled', dueAt?: number) => void,
  ) {
    this.#store = store
    this.#buffer = buffer
    this.#admission = admission
    this.#onStored = onStored
  }

  /** Resolves after the commit that holds all of `jobs`. */
  async add(jobs: EncodedJob[]): Promise<Added[]> {
    if (this.#closed) throw new QueueClosed()
    if (jobs.length === 0) return []
    this.#admission.check(jobs)
    const duplicates = await this.#commitWith(jobs)
    const added = jobs.map((job): Added => {
      const taken = job.unique && duplicates.get(job.unique)
      const reply: Added = taken === undefined ? { id: job.id } : { id: taken, duplicate: true }
      const pressure = this.#admission.pressureOf(job.lane, job.tenant)
      return pressure === undefined ? reply : { ...reply, pressure }
    })
    const pressure = added.reduce((most, { pressure }) => Math.max(most, pressure ?? 0), 0)
    const delayMs = this.#admission.delayOf(pressure)
    if (delayMs > 0) await pause(delayMs)
    return added
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#committing
  }

  #commitWith(jobs: EncodedJob[]): Promise<Duplicates> {
    let bytes = 0
    for (const job of jobs) bytes += totalBytes(job)
    if (!this.#buffer.tryAcquire(bytes))
      throw new QueueOverloaded(
        `The intake buffer of ${this.#buffer.limit} bytes is full; nothing was stored`,
        1_000,
      )
    return new Promise((resolve, reject) => {
      this.#waiting.push({ jobs, bytes, resolve, reject })
      // Callers of the same turn of the event loop share the first commit too.
      this.#committing ??= new Promise<void>((done) => setImmediate(done)).then(() => this.#commitAll())
    })
  }

  async #commitAll(): Promise<void> {
    while (this.#waiting.length > 0) await this.#commit(this.#takeGroup())
    this.#committing = undefined
  }

  #takeGroup(): Waiting[] {
    let jobs = 0
    let end = 0
    while (
      end < this.#waiting.length &&
      (end === 0 || jobs + this.#waiting[end]!.jobs.length <= maxCommitJobs)
    )
      jobs += this.#waiting[end++]!.jobs.length
    if (end === this.#waiting.length) {
      const group = this.#waiting
      this.#waiting = []
      return group
    }
    return this.#waiting.splice(0, end)
  }

  async #commit(group: Waiting[]): Promise<void> {
    try {
      const jobs = group.length === 1 ? group[0]!.jobs : group.flatMap((waiting) => waiting.jobs)
      const duplicates = await this.#append(splitByDueTime(jobs))
      for (const waiting of group) waiting.resolve(duplicates)
    } catch (error) {
      const refusal = asQueueError(error)
      for (const waiting of group) waiting.reject(refusal)
    } finally {
      for (const waiting of group) this.#buffer.release(waiting.bytes)
    }
  }

  async #append(pages: NewPage[]): Promise<Duplicates> {
    const { duplicates, pressure } = await this.#store.append(pages)
    if (pressure.length > 0) this.#admission.learn(pressure)
    if (pages.some((page) => page.dueAt === undefined)) this.#onStored('ready')
    const due = pages.flatMap((page) => page.dueAt ?? [])
    if (due.length > 0)
      this.#onStored(
        'scheduled',
        due.reduce((first, at) => Math.min(first, at)),
      )
    if (duplicates.length === 0) return none
    return new Map(duplicates.map(({ page, id }) => [page.unique, id]))
  }
}

function asQueueError(error: unknown): QueueError {
  if (error instanceof QueueError) return error
  const message = `The queue's store did not take the jobs: ${(error as Error).message}`
  return new QueueUnavailable(message, 1_000, { cause: error })
}

/** Packs jobs into pages that are ready now and pages for later, one set per due time. */
export function splitByDueTime(jobs: EncodedJob[]): NewPage[] {
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

import { InvalidJob, QueueClosed, QueueError, QueueOverloaded, QueueUnavailable } from '../api/errors.ts'
import type { Added } from '../api/types.ts'
import type { ByteAccount } from '../common/byte-ledger.ts'
import { pause } from '../common/signal.ts'
import { type EncodedJob, totalBytes } from '../pages/encode-job.ts'
import { splitByDueTime } from '../pages/pack-pages.ts'
import type { NewPage } from '../pages/page.ts'
import type { Store } from '../stores/store.ts'
import type { Admission } from './admission.ts'
import { CommitStripes } from './commit-stripes.ts'

interface Waiting {
  jobs: EncodedJob[]
  bytes: number
  /** By the monotonic clock. */
  since: number
  /** Bits, see {@link CommitStripes}. */
  stripes: number
  resolve: (duplicates: Duplicates) => void
  reject: (error: Error) => void
}

/** By the job's unique key (the very object): the id of the job that was there before. */
type Duplicates = ReadonlyMap<unknown, string>
const none: Duplicates = new Map()

/** After a commit failed, those that have waited for so long are refused with it. */
const patienceMs = 2_000

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
  readonly #stripes: CommitStripes
  #waiting: Waiting[] = []
  /** Stripes with a commit under way, as bits. */
  #busy = 0
  readonly #commits = new Set<Promise<void>>()
  #soon: Promise<void> | undefined
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
    this.#stripes = new CommitStripes(store.appendsAtOnce ?? 1)
  }

  /** Resolves after the commit that holds all of `jobs`. */
  async add(jobs: EncodedJob[]): Promise<Added[]> {
    if (this.#closed) throw new QueueClosed()
    if (jobs.length === 0) return []
    this.#admission.check(jobs)
    const duplicates = await this.#commitWith(jobs)
    if (duplicates.size === 0 && !this.#admission.hasPressure) return jobs.map(({ id }) => ({ id }))
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
    await this.#soon
    while (this.#commits.size > 0) await Promise.all(this.#commits)
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
      this.#waiting.push({
        jobs,
        bytes,
        since: performance.now(),
        stripes: this.#stripes.enter(jobs),
        resolve,
        reject,
      })
      // Callers of the same turn of the event loop share a commit.
      if (this.#busy !== this.#stripes.all)
        this.#soon ??= new Promise<void>((done) => setImmediate(done)).then(() => {
          this.#soon = undefined
          this.#commitReady()
        })
    })
  }

  /** Starts a commit in every stripe that has none and for which something waits. */
  #commitReady(): void {
    for (let group = this.#takeGroup(); group; group = this.#takeGroup()) {
      const { stripes, members } = group
      this.#busy |= stripes
      const commit = this.#commit(members).finally(() => {
        this.#busy &= ~stripes
        this.#commits.delete(commit)
        if (this.#waiting.length > 0) this.#commitReady()
      })
      this.#commits.add(commit)
    }
  }

  /** Of the free stripes that the first caller needs, all that waits for no others, in order. */
  #takeGroup(): { stripes: number; members: Waiting[] } | undefined {
    let closed = this.#busy
    let stripes = 0
    let jobs = 0
    const members: Waiting[] = []
    const others: Waiting[] = []
    for (const [index, waiting] of this.#waiting.entries()) {
      const free = (waiting.stripes & closed) === 0
      if (free && members.length === 0) {
        stripes = waiting.stripes
        closed |= this.#stripes.all & ~stripes
      } else if (!free || jobs + waiting.jobs.length > maxCommitJobs) {
        // What waits later must not overtake it.
        closed |= waiting.stripes
        others.push(waiting)
        if (closed === this.#stripes.all) {
          for (let rest = index + 1; rest < this.#waiting.length; rest++) others.push(this.#waiting[rest]!)
          break
        }
        continue
      }
      members.push(waiting)
      jobs += waiting.jobs.length
    }
    if (members.length === 0) return undefined
    this.#waiting = others
    return { stripes, members }
  }

  async #commit(group: Waiting[]): Promise<void> {
    await this.#storeGroup(group)
    for (const waiting of group) {
      this.#buffer.release(waiting.bytes)
      this.#stripes.leave(waiting.jobs, waiting.stripes)
    }
  }

  async #storeGroup(group: Waiting[]): Promise<void> {
    try {
      const jobs =
        group.length === 1
          ? group[0]!.jobs
          : ([] as EncodedJob[]).concat(...group.map((waiting) => waiting.jobs))
      const duplicates = await this.#append(splitByDueTime(jobs))
      for (const waiting of group) waiting.resolve(duplicates)
    } catch (error) {
      // What the store will never take must not take the others with it.
      if (error instanceof InvalidJob && group.length > 1)
        for (const waiting of group) await this.#storeGroup([waiting])
      else {
        const refusal = asQueueError(error)
        for (const waiting of group) waiting.reject(refusal)
        if (refusal instanceof QueueUnavailable) this.#refuseImpatient(refusal)
      }
    }
  }

  /** The store is away or silent: who has waited for long does not wait for another commit that may fail. */
  #refuseImpatient(refusal: QueueUnavailable): void {
    const patientSince = performance.now() - patienceMs
    const impatient = this.#waiting.filter(({ since }) => since < patientSince)
    if (impatient.length === 0) return
    this.#waiting = this.#waiting.filter(({ since }) => since >= patientSince)
    for (const { jobs, bytes, stripes, reject } of impatient) {
      this.#buffer.release(bytes)
      this.#stripes.leave(jobs, stripes)
      reject(refusal)
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

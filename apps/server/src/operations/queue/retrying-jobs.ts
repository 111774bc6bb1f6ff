import { type Job, reasonOf, type Worker } from '@fairway/queue'
import type { App } from '../../platform/app.ts'
import type { Reading } from '../../platform/capacity/expensive-reads.ts'

/** Jobs that failed and are tried again by themselves; mail that waits for another try is in `Retrying`. */
export interface RetryingJobs {
  /** 100 at most. */
  count: number
  /** There are more than were kept. */
  more: boolean
  /** Those tried last; twenty at most. */
  latest: RetryingJob[]
}

export interface RetryingJob {
  lane: string
  /** Kind of job: `item`, `task`. */
  name: string
  /** The job's own id. */
  id: string
  /** How often it was tried. */
  attempts: number
  reason: string
  triedAt: Date
  /** In the past for one whose turn it is. */
  nextTryAt: Date
}

const maxKept = 100
const maxListed = 20
const maxReasonLength = 300
const flushMs = 1_000
/** Jobs that ended meanwhile, at most: of those beyond it the rows age out. */
const mostEnded = 10_000
/** What is left of processes that were killed. */
const staleAfter = `interval '1 day'`

export async function readRetryingJobs(
  { pool }: Pick<Reading, 'pool'>,
  projectId: number,
): Promise<RetryingJobs> {
  const { rows } = await pool.query<RetryingJob>(
    `select lane, name, job_id as id, attempts, reason, tried_at as "triedAt", next_try_at as "nextTryAt"
     from retrying_jobs where project_id = $1 order by tried_at desc, job_id limit ${maxKept + 1}`,
    [projectId],
  )
  return {
    count: Math.min(rows.length, maxKept),
    more: rows.length > maxKept,
    latest: rows.slice(0, maxListed),
  }
}

interface Note extends RetryingJob {
  project: number
}

/** Keeps what a worker's jobs that are tried again failed of, at most once a second, until they end. */
export class RetryNotes {
  readonly #app: Pick<App, 'pool' | 'log' | 'now'>
  /** Of each project the latest, by job. */
  readonly #noted = new Map<string, Map<string, Note>>()
  readonly #ended = new Map<string, EndedJob>()
  #timer: NodeJS.Timeout | undefined
  #closed = false
  #flushing: Promise<void> = Promise.resolve()

  constructor(app: Pick<App, 'pool' | 'log' | 'now'>) {
    this.#app = app
  }

  hear(worker: Worker): this {
    worker.on('retried', (job, error, dueAt) => this.retried(job, error, dueAt))
    const ended = (job: Job) => this.ended(job)
    worker.on('recovered', ended).on('dead', ended).on('cancelled', ended)
    return this
  }

  retried(job: Job, error: unknown, dueAt: number): void {
    const project = Number(job.tenant)
    // The canary's jobs are of no project.
    if (!Number.isSafeInteger(project)) return
    const key = keyOf(job)
    this.#ended.delete(key)
    const notes = this.#noted.get(job.tenant) ?? new Map<string, Note>()
    this.#noted.set(job.tenant, notes)
    notes.delete(key)
    notes.set(key, {
      project,
      lane: job.lane,
      name: job.name,
      id: job.id,
      attempts: job.attempt,
      reason: reasonOf(error).slice(0, maxReasonLength),
      triedAt: this.#app.now(),
      nextTryAt: new Date(dueAt),
    })
    if (notes.size > maxKept + 1) notes.delete(notes.keys().next().value!)
    this.#flushSoon()
  }

  ended(job: Job): void {
    const project = Number(job.tenant)
    if (!Number.isSafeInteger(project)) return
    const key = keyOf(job)
    this.#noted.get(job.tenant)?.delete(key)
    if (this.#ended.size < mostEnded) this.#ended.set(key, { project, lane: job.lane, id: job.id, looks: 0 })
    this.#flushSoon()
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    await this.#flush()
  }

  #flushSoon(): void {
    if (this.#closed) return
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      void this.#flush()
    }, flushMs).unref()
  }

  #flush(): Promise<void> {
    this.#flushing = this.#flushing.then(() => this.#write())
    return this.#flushing
  }

  /** What can't be written is forgotten: the jobs are tried again all the same. */
  async #write(): Promise<void> {
    const notes = [...this.#noted.values()].flatMap((of) => [...of.values()])
    this.#noted.clear()
    const ended = [...this.#ended.values()]
    for (const [key, job] of this.#ended) {
      job.looks++
      // Twice: another process may write down its failed try a moment after this one saw the job end.
      if (job.looks === 2) this.#ended.delete(key)
    }
    if (this.#ended.size > 0) this.#flushSoon()
    try {
      if (ended.length > 0) await this.#remove(ended)
      if (notes.length > 0) await this.#store(notes)
    } catch (error) {
      this.#app.log.warn({ err: error }, 'what failed jobs said could not be kept')
    }
  }

  async #remove(ended: EndedJob[]): Promise<void> {
    await this.#app.pool.query(
      `delete from retrying_jobs r using unnest($1::integer[], $2::text[], $3::text[]) e (project_id, lane, job_id)
       where r.project_id = e.project_id and r.lane = e.lane and r.job_id = e.job_id`,
      [ended.map(({ project }) => project), ended.map(({ lane }) => lane), ended.map(({ id }) => id)],
    )
  }

  async #store(notes: Note[]): Promise<void> {
    const column = <Name extends keyof Note>(name: Name) => notes.map((note) => note[name])
    await this.#app.pool.query(
      `insert into retrying_jobs (project_id, lane, job_id, name, attempts, reason, tried_at, next_try_at)
       select n.* from unnest($1::integer[], $2::text[], $3::text[], $4::text[], $5::integer[], $6::text[],
                              $7::timestamptz[], $8::timestamptz[])
         n (project_id, lane, job_id, name, attempts, reason, tried_at, next_try_at)
       join projects p on p.id = n.project_id
       order by n.project_id, n.lane, n.job_id
       on conflict (project_id, lane, job_id) do update
       set attempts = excluded.attempts, reason = excluded.reason, tried_at = excluded.tried_at,
           next_try_at = excluded.next_try_at
       where retrying_jobs.tried_at <= excluded.tried_at`,
      (['project', 'lane', 'id', 'name', 'attempts', 'reason', 'triedAt', 'nextTryAt'] as const).map(column),
    )
    await this.#app.pool.query(
      `delete from retrying_jobs r
       where r.project_id = any ($1::integer[])
         and (r.next_try_at < $2::timestamptz - ${staleAfter}
              or (r.project_id, r.lane, r.job_id) in (
                select o.project_id, o.lane, o.job_id from unnest($1::integer[]) p (id)
                cross join lateral (
                  select project_id, lane, job_id from retrying_jobs where project_id = p.id
                  order by tried_at desc, job_id offset ${maxKept + 1}) o))`,
      [[...new Set(column('project'))], this.#app.now()],
    )
  }
}

/** Housekeeping, also of projects where nothing fails any more. */
export async function maintainRetries({ pool, now }: Pick<App, 'pool' | 'now'>): Promise<void> {
  await pool.query(`delete from retrying_jobs where next_try_at < $1::timestamptz - ${staleAfter}`, [now()])
}

interface EndedJob {
  project: number
  lane: string
  id: string
  /** How often its row was looked for. */
  looks: number
}

const keyOf = ({ tenant, lane, id }: Job) => `${tenant}\u0000${lane}\u0000${id}`

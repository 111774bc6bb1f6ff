import type { Job } from './types.ts'

/** What a worker tells of the jobs that ran in this process. */
export interface WorkerEventMap {
  completed: [job: Job]
  /** As `completed`, of a job that was tried before: those who only care for failures need not hear of every job. */
  recovered: [job: Job]
  /** It will run again, at `dueAt` by the store's clock (ms since the epoch). */
  retried: [job: Job, error: unknown, dueAt: number]
  snoozed: [job: Job]
  /** It went to the dead letters. */
  dead: [job: Job, error: unknown]
  cancelled: [job: Job]
  /** This many pages went to other workers, because this one was silent for longer than its lease. */
  stalled: [pages: number]
  /** The store failed; the worker tries again by itself. */
  error: [error: unknown]
}

/** Events cost nothing while nobody listens, and an `error` that nobody hears ends no process. */
export interface WorkerEvents {
  on<Name extends keyof WorkerEventMap>(name: Name, listener: (...args: WorkerEventMap[Name]) => void): this
  off<Name extends keyof WorkerEventMap>(name: Name, listener: (...args: WorkerEventMap[Name]) => void): this
}

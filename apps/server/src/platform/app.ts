import type { MovableStore, Queue } from '@fairway/queue'
import type { Pool } from 'pg'
import type { Logger } from 'pino'
import type { AdmissionCounts } from './capacity/admission-counts.ts'
import type { ExpensiveReads } from './capacity/expensive-reads.ts'
import type { JobCounts } from './capacity/job-counts.ts'
import type { TimesInQueue } from './capacity/time-in-queue.ts'
import type { Config } from './config.ts'
import type { ProcessView } from './processes/process-view.ts'
import type { Secrets } from './secrets.ts'

/** What every part of the server is handed. Nothing is global; time comes from `now`. */
export interface App {
  config: Config
  log: Logger
  /** For statements that are cheap, or whose cost we decide. */
  pool: Pool
  /** For reads whose cost the data of a project decides: connections of their own, shared fairly between projects. */
  expensiveReads: ExpensiveReads
  queue: Queue
  /** The queue's two places, where DynamoDB is set up. */
  moves: MovableStore | undefined
  /** DynamoDB's request units that this process used, where it is set up: what it costs. */
  requestUnits: (() => { read: number; write: number }) | undefined
  /** What this process's workers have done. */
  jobCounts: JobCounts
  /** What this process's workers see of waiting times. */
  timesInQueue: TimesInQueue
  /** What this process refused and slowed for full quotas. */
  admissions: AdmissionCounts
  /** Encrypts what must be stored readable, signs links and tokens. Key: FAIRWAY_SECRET. */
  secrets: Secrets
  /** What the supervisor tells of the other processes. */
  processes: ProcessView
  now: () => Date
}

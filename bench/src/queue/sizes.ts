import { option, quick } from '../report.ts'
import type { Kind } from './system.ts'

/** Everything that decides how long the bench takes. `--scale 0.1` makes each run shorter. */
const scale = option('scale', quick ? 0.25 : 1)
const scaled = (jobs: number) => Math.max(10_000, Math.round((jobs * scale) / 10_000) * 10_000)

/** Of each measurement of adding. */
export const addSeconds = 4 * scale

/** Preloaded jobs that keep each system busy for several seconds. */
export const drainJobs: Record<Kind, number> = {
  fairway: scaled(1_000_000),
  'bullmq-everysec': scaled(60_000),
  'bullmq-always': scaled(60_000),
  'pg-boss': scaled(60_000),
  'pg-boss-groups': scaled(60_000),
  'graphile-worker': scaled(100_000),
}
/** A system that has not finished by then is stopped, and what it did not deliver counts as lost. */
export const drainLimitMs = 120_000

/** One job a page: as many rounds over 10,000 tenants. */
export const worstJobs = scaled(200_000)

/** Peers are flooded with a fiftieth, because they work it off in the order it came. */
export const floodJobs: Record<Kind, number> = {
  fairway: Math.max(100_000, scaled(1_000_000)),
  'bullmq-everysec': 20_000,
  'bullmq-always': 20_000,
  'pg-boss': 20_000,
  'pg-boss-groups': 20_000,
  'graphile-worker': 20_000,
}
export const floodInput = {
  ms: 10,
  concurrency: 80,
  idleSeconds: Math.max(2, 8 * scale),
  floodSeconds: Math.max(4, 30 * scale),
  patienceSeconds: 60,
}

export const shareInput = {
  costs: [1, 2, 3, 4, 6, 8, 10, 13, 16, 20],
  concurrency: 16,
  seconds: Math.max(3, 10 * scale),
}
const inTurns = 5_000
/** More than each can be served while it is watched. */
export const shareJobs: Record<Kind, number> = {
  fairway: 30_000,
  'bullmq-everysec': inTurns,
  'bullmq-always': inTurns,
  'pg-boss': inTurns,
  'pg-boss-groups': inTurns,
  'graphile-worker': inTurns,
}

export const backlogJobs = option('backlog', quick ? 500_000 : 10_000_000)
/** Peers whose cost per job does not depend on how many wait. */
export const peerBacklogJobs = scaled(200_000)
export const backlogSeconds = Math.max(4, 10 * scale)

/** 8 h at 2,000 jobs/s, a tenth of it. */
export const catchUpJobs = option('catch-up', quick ? 576_000 : 5_760_000)

import type { BenchJob, Payload } from './payload.ts'

/** A queue under test, ours or a peer, behind the calls that the sections make. One adapter each, tuned as its docs say. */
export interface System {
  /** Resolves when the jobs are as durable as this system makes them. */
  addMany(jobs: BenchJob[]): Promise<void>
  add(job: BenchJob): Promise<void>
  /** Starts to work. Resolves with how to stop, which waits for what is under way. */
  work(handle: Handle, load: Load): Promise<() => Promise<void>>
  /** Jobs stored and not finished. */
  left(): Promise<number>
  close(): Promise<void>
}

/** Returns a promise only where there is something to wait for, so that a no-op costs no system more than another. */
export type Handle = (data: Payload) => Promise<void> | undefined

export interface Load {
  /** `'no-op'`: the concurrency that was fastest for the system. A number: that many handlers at once. */
  concurrency: 'no-op' | number
  lanes?: Record<string, { weight?: number; reserved?: number }>
}

export const kinds = ['fairway', 'bullmq-everysec', 'bullmq-always', 'pg-boss', 'graphile-worker'] as const
export type Kind = (typeof kinds)[number] | 'pg-boss-groups'
export const peers = kinds.filter((kind) => kind !== 'fairway')

export const usesRedis = (kind: Kind) => kind.startsWith('bullmq')

/** `url`: of an empty database, or of an empty Redis. */
export async function openSystem(kind: Kind, url: string): Promise<System> {
  // One import each, so that no process loads the libraries of another system.
  switch (kind) {
    case 'fairway':
      return (await import('./fairway-system.ts')).openFairway(url)
    case 'pg-boss':
    case 'pg-boss-groups':
      return (await import('./pg-boss-system.ts')).openPgBoss(url, kind === 'pg-boss-groups')
    case 'graphile-worker':
      return (await import('./graphile-system.ts')).openGraphile(url)
    default:
      return (await import('./bullmq-system.ts')).openBullmq(url)
  }
}

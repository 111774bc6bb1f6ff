import { type Entry, readLogs } from '../crash-log.ts'
import { numbersPerSource, tenantOf } from './jobs.ts'
import type { Played } from './stage.ts'

/** What the processes wrote down of the jobs of one source; lists by job, times by the logs' clock. */
export class SourceHistory {
  readonly played: Played
  readonly asked: number[] = []
  readonly resolved: number[] = []
  /** Could run from here on. */
  readonly ready: number[] = []
  /** For the first time. */
  readonly started: number[] = []
  /** Well, for the first time. */
  readonly ended: number[] = []
  readonly starts: number[] = []
  readonly ends: number[] = []
  readonly failures: number[] = []

  constructor(played: Played) {
    this.played = played
  }

  get jobs(): number {
    return this.asked.length
  }
}

/** Starts and ends of handler calls in the order of time, all sources together. */
export type Step = Pick<Entry, 'n' | 'at' | 'pid'> & { what: 'ready' | 'started' | 'over' }

export interface History {
  sources: SourceHistory[]
  steps: Step[]
}

export const sourceOf = (n: number) => Math.floor(n / numbersPerSource)

export function readHistory(directory: string, played: Played[]): History {
  const sources = played.map((one) => new SourceHistory(one))
  const steps: Step[] = []
  for (const { what, n, at, pid } of readLogs(directory)) {
    const source = sources[sourceOf(n)]!
    const index = n - source.played.first
    switch (what) {
      case 'asked':
        source.asked[index] = at
        break
      case 'resolved': {
        source.resolved[index] = at
        source.ready[index] = Math.max(at, source.played.dueAt ?? 0)
        steps.push({ what: 'ready', n, at: source.ready[index]!, pid })
        break
      }
      case 'started':
        // Logs are read process by process: another one may have started it earlier.
        source.started[index] = Math.min(at, source.started[index] ?? at)
        source.starts[index] = (source.starts[index] ?? 0) + 1
        steps.push({ what, n, at, pid })
        break
      case 'ended':
      case 'failed': {
        if (what === 'ended') source.ended[index] = Math.min(at, source.ended[index] ?? at)
        const list = what === 'ended' ? source.ends : source.failures
        list[index] = (list[index] ?? 0) + 1
        steps.push({ what: 'over', n, at, pid })
        break
      }
    }
  }
  return { sources, steps: steps.sort((a, b) => a.at - b.at) }
}

/** One text per tenant and its number in its source. */
export function tenantIn(source: SourceHistory, n: number): string {
  const { played } = source
  return `${played.source.prefix}-${tenantOf(played.source, n - played.first)}`
}

/** Milliseconds from the call of `add` to the first handler, of jobs added in that time. What never started waits still. */
export function dwells(
  { asked, started, resolved }: SourceHistory,
  from: number,
  until: number,
  now: number,
) {
  return asked.flatMap((at, index) =>
    at >= from && at < until && resolved[index] !== undefined ? [(started[index] ?? now) - at] : [],
  )
}

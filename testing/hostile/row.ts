import type { Input } from './input.ts'
import { answers, type Played } from './suite.ts'
import type { Reply } from './tenant.ts'
import { p99 } from './watch.ts'
import type { Seen } from './watcher.ts'

const maxLoopMs = 100
const quietProbes = ['heartbeat', 'track', 'people'] as const

/** What came of one input. */
export interface Row {
  name: string
  why: string
  /** How often each status was the reply; `closed` for connections that ended without one. */
  replies: Record<string, number>
  ms: number
  /** The longest that the server's loop was held, by its own figure. */
  loopMs: number | undefined
  /** The longest that an answer to the heartbeat took. */
  heartbeatMs: number
  rssMb: number | undefined
  /** How many MB more than before the first input. */
  grownMb: number | undefined
  /** 99th percentile of the second tenant's requests, and when nothing else happens. */
  quiet: Record<(typeof quietProbes)[number], { p99: number; idle: number }>
  /** Whatever the machine: wrong replies, no answers, a stall after a restart. */
  wrong: string[]
  /** By the clock. */
  slow: string[]
}

export function rowOf(input: Input, played: Played, idle: Seen, restarted: Seen | undefined): Row {
  const { seen, replies, fault, ms } = played
  const quiet = Object.fromEntries(
    quietProbes.map((name) => [
      name,
      { p99: p99(seen.probes[name].times), idle: p99(idle.probes[name].times) },
    ]),
  ) as Row['quiet']
  const wrong = [
    ...new Set(replies.map(wrongReply).filter((reason) => reason !== undefined)),
    ...(fault ? [fault] : []),
    ...(answers(seen) ? [] : ['the server did not answer meanwhile']),
    ...quietProbes
      .filter((name) => seen.probes[name].missed > 0)
      .map((name) => `${seen.probes[name].missed} of the other tenant's requests failed (${name})`),
    ...(restarted && !answers(restarted) ? ['the server does not answer after a restart'] : []),
  ]
  const slow = [
    ...held(seen, ''),
    ...(restarted ? held(restarted, ' after a restart') : []),
    ...quietProbes
      .filter((name) => isSlowed(quiet[name]))
      .map((name) => `the other tenant's ${name} slowed down`),
  ]
  return {
    name: input.name,
    why: input.why,
    replies: countReplies(replies),
    ms: Math.round(ms),
    loopMs: seen.loopMs,
    heartbeatMs: Math.max(0, ...seen.probes.heartbeat.times),
    rssMb: inMb(seen.rssBytes),
    grownMb: seen.rssBytes && idle.rssBytes ? inMb(seen.rssBytes - idle.rssBytes) : undefined,
    quiet,
    wrong,
    slow,
  }
}

/** An error of the server's own, unless it says that it can't just now and when to come again. */
function wrongReply({ status, headers, text }: Reply): string | undefined {
  if (status < 500) return undefined
  if (status === 503 && headers['retry-after'] !== undefined) return undefined
  return `replied ${status}${status === 503 ? ' without Retry-After' : ''}: ${text.slice(0, 120)}`
}

const held = ({ loopMs }: Seen, when: string) =>
  loopMs !== undefined && loopMs > maxLoopMs ? [`held the loop for ${Math.round(loopMs)} ms${when}`] : []

/** Twice as long as when idle, or 50 ms longer, whichever is more. */
const isSlowed = ({ p99, idle }: { p99: number; idle: number }) => p99 > Math.max(2 * idle, idle + 50)

function countReplies(replies: Reply[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { status } of replies) counts[status || 'closed'] = (counts[status || 'closed'] ?? 0) + 1
  return counts
}

const inMb = (bytes: number | undefined) => (bytes === undefined ? undefined : Math.round(bytes / 1e6))

import { setMaxListeners } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Input } from './input.ts'
import { type Row, rowOf } from './row.ts'
import { startTarget, type Target } from './target.ts'
import { Tenant } from './tenant.ts'
import { join, Watch } from './watch.ts'
import type { Seen } from './watcher.ts'

export interface Options {
  large: boolean
  /** A server that runs already; default is one of its own. */
  target?: Target
  /** Of the server that is started. */
  env?: Record<string, string>
  /** Told as each input has been played. */
  report?: (row: Row) => void
}

/** Heartbeats that must be answered while an input is played and after it, for "the server answers" to be said. */
const leastHeartbeats = 5
const waitingMs = 120_000

/** Plays inputs one after the other against one real server (one for each setting that inputs need). */
export async function playAll(inputs: Input[], options: Options): Promise<Row[]> {
  const rows: Row[] = []
  const groups = grouped(inputs)
  for (const group of groups.values()) {
    const own = options.target === undefined
    if (!own && group[0]!.env) continue
    const target = options.target ?? (await startTarget({ ...options.env, ...group[0]!.env }))
    try {
      await playGroup(target, group, options, (row) => {
        rows.push(row)
        options.report?.(row)
      })
    } finally {
      if (own) await target.close()
    }
  }
  return rows
}

const settingOf = ({ env }: Input) => JSON.stringify(env ?? {})

function grouped(inputs: Input[]): Map<string, Input[]> {
  const groups = new Map<string, Input[]>()
  for (const input of inputs) groups.set(settingOf(input), [...(groups.get(settingOf(input)) ?? []), input])
  return groups
}

async function playGroup(target: Target, inputs: Input[], { large }: Options, report: (row: Row) => void) {
  const watch = new Watch(target.url, target.quiet)
  try {
    await warmUp(target)
    await watch.look()
    const idle = await watchUntil(watch, large ? 10_000 : 2_000)
    for (const [i, input] of inputs.entries()) {
      const played = await play(target, watch, input, large)
      // What was left behind by several inputs is looked at together in the small suite.
      const restart = target.restart && (large || input.lasts || i === inputs.length - 1)
      const restarted = restart ? await lookAfterRestart(target, watch, large) : undefined
      report(rowOf(input, played, idle, restarted))
    }
  } finally {
    watch.close()
  }
}

/** The first requests of a process compile what they run. */
async function warmUp({ url, quiet }: Target): Promise<void> {
  const tenant = new Tenant(url, quiet, AbortSignal.timeout(waitingMs))
  for (let i = 0; i < 50; i++) {
    await tenant.track('events/track', { identity: { id: `warm-${i % 5}` }, event_name: 'Warm' })
    await tenant.rest('GET', '/people?limit=20')
  }
  tenant.close()
}

export interface Played {
  replies: Tenant['replies']
  seen: Seen
  /** Why the input could not be played to its end, or what was wrong. */
  fault?: string
  ms: number
}

async function play(target: Target, watch: Watch, input: Input, large: boolean): Promise<Played> {
  const signal = AbortSignal.timeout(large ? 300_000 : waitingMs)
  // Each of many connections ends with it.
  setMaxListeners(0, signal)
  const tenant = new Tenant(target.url, target.hostile, signal, target.create)
  await watch.look()
  const from = performance.now()
  let fault: string | undefined
  try {
    await input.play(tenant, { large, signal, of: (small, big) => (large ? big : small) })
  } catch (error) {
    fault = signal.aborted ? 'it did not end in its time' : (error as Error).message
  }
  const ms = performance.now() - from
  tenant.close()
  return { replies: tenant.replies, seen: await watchUntil(watch, large ? 2_000 : 300), fault, ms }
}

async function lookAfterRestart(target: Target, watch: Watch, large: boolean): Promise<Seen> {
  await target.restart!()
  // Requests that the restart cut off are none of the input's.
  await watch.look()
  return watchUntil(watch, large ? 3_000 : 300)
}

/** What is seen for a time, and then until enough heartbeats were answered; a server that stalls answers none. */
async function watchUntil(watch: Watch, ms: number): Promise<Seen> {
  await sleep(ms)
  let seen = await watch.look()
  for (const giveUp = Date.now() + waitingMs; Date.now() < giveUp; ) {
    if (seen.probes.heartbeat.times.length >= leastHeartbeats && seen.loopMs !== undefined) break
    await sleep(100)
    seen = join(seen, await watch.look())
    if (seen.probes.heartbeat.times.length >= 100) break
  }
  return seen
}

export const answers = (seen: Seen) => seen.probes.heartbeat.times.length >= leastHeartbeats

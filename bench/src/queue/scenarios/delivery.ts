import { type Death, judge } from '../crash-verdict.ts'
import { type History, type SourceHistory, sourceOf } from './history.ts'
import { keyOf, tenantOf } from './jobs.ts'
import type { Stage } from './stage.ts'

export interface Delivery {
  stored: number
  refused: number
  /** Their add resolved, no handler ended well, and the store has them no more. */
  lost: number
  /** Still stored when the scenario was over. */
  left: number
  /** Handler calls for jobs that had ended well, or were running elsewhere. */
  twice: number
  /** Of these, calls that no death explains: the job was in nobody's hands who died. Undefined: not written down. */
  unexplained: number | undefined
  /** Calls that came before an earlier job of the key had ended, or while one was running. */
  wrongOrder: number
  /** Calls before the job was due. */
  early: number
}

export function judgeDelivery(history: History, stage: Stage, left: number, explain: boolean): Delivery {
  const sum = (count: (source: SourceHistory, index: number) => number) =>
    history.sources.reduce((total, source) => {
      for (let index = 0; index < source.jobs; index++) total += count(source, index)
      return total
    }, 0)
  const stored = sum(({ resolved }, index) => (resolved[index] === undefined ? 0 : 1))
  const notEnded = sum(({ resolved, ends }, index) => (resolved[index] === undefined || ends[index] ? 0 : 1))
  const story = explain ? judge(stage.logs, stage.deaths) : undefined
  return {
    stored,
    refused: sum(({ resolved }, index) => (resolved[index] === undefined ? 1 : 0)),
    lost: Math.max(0, notEnded - left),
    left,
    twice: sum(({ starts, failures }, index) =>
      Math.max(0, (starts[index] ?? 0) - (failures[index] ?? 0) - 1),
    ),
    unexplained: story && new Set([...story.unexplained, ...story.acknowledgedAgain]).size,
    wrongOrder: wrongOrder(history, stage.deaths),
    early: sum(({ started, played }, index) => (started[index]! < (played.dueAt ?? 0) - clockMs ? 1 : 0)),
  }
}

/** Due times are of the wall clock, in whole ms, and the logs' clock is another. */
const clockMs = 5

/** After PostgreSQL was killed: what it forgot is claimed again, while who had it finds out within a lease at most. */
const forgottenMs = 10_000

/**
 * What is run again is run in order again, which is no fault: a job's first run must come after the first end of the one
 * before it. And two of a key must not run at the same time, unless one is in the hands of who lost it.
 */
function wrongOrder({ sources, steps }: History, deaths: Death[]): number {
  const keys = new Map<string, { last?: number; running?: { n: number; pid: number; at: number } }>()
  const before = new Map<number, number>()
  for (const source of sources) {
    if (!source.played.source.keys) continue
    for (let index = 0; index < source.jobs; index++) {
      if (source.resolved[index] === undefined) continue
      const state = stateOf(keys, nameOfKey(source, index)!)
      if (state.last !== undefined) before.set(source.played.first + index, state.last)
      state.last = index
    }
  }
  const lostSince = (running: { pid: number; at: number }, until: number) =>
    deaths.some(({ pid, at }) =>
      pid === 'postgres'
        ? at > running.at - forgottenMs && at <= until
        : pid === running.pid && at >= running.at && at <= until,
    )
  let wrong = 0
  for (const { what, n, at, pid } of steps) {
    const source = sources[sourceOf(n)]!
    const name = nameOfKey(source, n - source.played.first)
    if (name === undefined || what === 'ready') continue
    const state = stateOf(keys, name)
    if (what === 'over') {
      if (state.running?.n === n && state.running.pid === pid) delete state.running
      continue
    }
    const first = at === source.started[n - source.played.first]
    const previous = before.get(n)
    const early = first && previous !== undefined && !(source.ended[previous]! <= at)
    const beside = state.running && state.running.n !== n && !lostSince(state.running, at)
    if (early || beside) wrong++
    state.running = { n, pid, at }
  }
  return wrong
}

function nameOfKey({ played }: SourceHistory, index: number): string | undefined {
  const key = keyOf(played.source, index)
  return key === undefined ? undefined : `${played.first} ${tenantOf(played.source, index)} ${key}`
}

function stateOf<State extends object>(keys: Map<string, State>, name: string): State {
  const state = keys.get(name) ?? ({} as State)
  keys.set(name, state)
  return state
}

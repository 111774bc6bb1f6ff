import { setTimeout as sleep } from 'node:timers/promises'
import type { Postgres } from '../../machines.ts'
import { clock } from '../crash-log.ts'
import { percentile } from '../statistics.ts'
import { type Delivery, judgeDelivery } from './delivery.ts'
import { dwells, type History, readHistory, sourceOf } from './history.ts'
import type { Scenario } from './scenario.ts'
import { judgeSharing, type Sharing } from './sharing.ts'
import { afterSeconds, idleSeconds } from './sizes.ts'
import { Stage } from './stage.ts'

const warmUpMs = 2_000
/** What a quiet tenant may wait, whatever goes on: twice what it waits when nothing does, or this. */
const unnoticedMs = 100

interface Dwell {
  jobs: number
  p50: number
  p99: number
  p999: number
}

export interface Outcome {
  idle: Dwell
  flood: Dwell
  allowedMs: number
  sharing: Sharing
  delivery: Delivery
  floodMs: number
  /** From the end of the attack, or the last kill, until no quiet job waits longer than allowed any more. */
  recoveryMs: number
  /** Resident MB of the larger worker, at most. */
  idleMegabytes: number
  floodMegabytes: number
}

/** Quiet tenants alone, then the attack beside them, then what is left of it. */
export async function play(postgres: Postgres, name: string, scenario: Scenario): Promise<Outcome> {
  const stage = await Stage.open(postgres, name, scenario)
  stage.startQuiet()
  await sleep(warmUpMs)
  const idleFrom = clock()
  await sleep(idleSeconds * 1_000)
  const idleUntil = clock()
  const from = stage.startAttack()
  await Promise.all([stage.attackOver(), scenario.during?.(stage)])
  await sleep(afterSeconds * 1_000)
  await stage.stopQuiet()
  const left = await stage.left()
  const now = clock()
  await stage.close()

  const history = readHistory(stage.logs, stage.sources)
  const until = attackEnd(history, from)
  const quiet = history.sources[0]!
  const idle = describe(dwells(quiet, idleFrom, idleUntil, now))
  const allowedMs = Math.max(2 * idle.p99, unnoticedMs)
  const recoverFrom = stage.deaths.at(-1)?.at ?? until
  let recoveredAt = recoverFrom
  for (const [index, startedAt] of quiet.started.entries())
    if (startedAt > recoveredAt && startedAt - quiet.asked[index]! > allowedMs) recoveredAt = startedAt
  const megabytes = (a: number, b: number) =>
    Math.max(...stage.memory.filter(({ at }) => at >= a && at < b).map((sample) => sample.megabytes))
  return {
    idle,
    flood: describe(dwells(quiet, from, until, now)),
    allowedMs,
    sharing: judgeSharing(history, stage.deaths, from, until),
    delivery: judgeDelivery(history, stage, left, scenario.explain ?? false),
    floodMs: until - from,
    recoveryMs: recoveredAt - recoverFrom,
    idleMegabytes: megabytes(idleFrom, idleUntil),
    floodMegabytes: megabytes(from, until),
  }
}

/** When the last handler call for the attack was over. */
function attackEnd({ steps }: History, from: number): number {
  const last = steps.findLast(({ what, n }) => what === 'over' && sourceOf(n) > 0)
  return Math.max(from, last?.at ?? from)
}

function describe(values: number[]): Dwell {
  const [p50, p99, p999] = [50, 99, 99.9].map((percent) => percentile(values, percent))
  return { jobs: values.length, p50: p50!, p99: p99!, p999: p999! }
}

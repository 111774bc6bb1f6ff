import { setTimeout as sleep } from 'node:timers/promises'
import { benchLane, makeJob } from './payload.ts'
import { QuietTenants, quietPrefix } from './quiet-tenants.ts'
import { percentile } from './statistics.ts'
import type { System } from './system.ts'

const batchesAtOnce = 4
const batch = 1_000
const pollMs = 50
const warmUpMs = 2_000

interface FloodInput {
  jobs: number
  /** Handlers sleep this long. */
  ms: number
  concurrency: number
  idleSeconds: number
  /** The flood is watched until it has run off, at most this long. */
  floodSeconds: number
  /** Quiet jobs that still wait after the flood are waited for, at most this long. */
  patienceSeconds: number
}

/** Milliseconds from add to handler of quiet tenants' jobs, 99th percentile: before, and while one tenant floods. */
export async function flood(system: System, input: FloodInput): Promise<{ idle: number; flooded: number }> {
  let flooded = 0
  const stop = await system.work(
    ({ n, tenant, ms }) => {
      if (tenant.startsWith(quietPrefix)) quiet.started(n)
      else flooded++
      return sleep(ms)
    },
    { concurrency: input.concurrency },
  )
  const quiet = new QuietTenants(system, { tenants: 20, everyMs: 300, lane: benchLane, ms: input.ms })
  await sleep(warmUpMs)
  const idleFrom = performance.now()
  await sleep(input.idleSeconds * 1_000)
  const idle = percentile(quiet.dwells(idleFrom), 99)

  const floodFrom = performance.now()
  let next = 0
  const pour = async () => {
    while (next < input.jobs && performance.now() - floodFrom < input.floodSeconds * 1_000) {
      const from = next
      next = Math.min(input.jobs, from + batch)
      await system.addMany(
        Array.from({ length: next - from }, (_, n) => makeJob(from + n, 'flood', { ms: input.ms })),
      )
    }
  }
  const pouring = Promise.all(Array.from({ length: batchesAtOnce }, pour))
  while (flooded < input.jobs && performance.now() - floodFrom < input.floodSeconds * 1_000)
    await sleep(pollMs)
  await quiet.stop()
  await pouring
  const endedAt = performance.now()
  while (quiet.waiting > 0 && performance.now() - endedAt < input.patienceSeconds * 1_000) await sleep(pollMs)
  const result = { idle, flooded: percentile(quiet.dwells(floodFrom), 99) }
  // The rest of the flood goes with the store.
  void stop()
  return result
}

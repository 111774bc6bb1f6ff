import { setTimeout as sleep } from 'node:timers/promises'
import { makeJob } from './payload.ts'
import { jainIndex } from './statistics.ts'
import type { System } from './system.ts'

const batch = 1_000
/** Until costs are known and the first claims are used up. */
const warmUpMs = 2_000

/**
 * Jain's index over the handler time that tenants got while all of them had work. `costs`: milliseconds that a job of each
 * tenant sleeps. Their jobs were added in turns, the best order for a queue that keeps it.
 */
export async function share(
  system: System,
  {
    costs,
    jobsPerTenant,
    concurrency,
    seconds,
  }: { costs: number[]; jobsPerTenant: number; concurrency: number; seconds: number },
): Promise<{ jain: number; ranDry: number }> {
  const total = costs.length * jobsPerTenant
  for (let from = 0; from < total; from += batch)
    await system.addMany(
      Array.from({ length: Math.min(batch, total - from) }, (_, index) => {
        const tenant = (from + index) % costs.length
        return makeJob(from + index, String(tenant), { ms: costs[tenant]! })
      }),
    )
  const served = costs.map(() => 0)
  const left = costs.map(() => jobsPerTenant)
  let counting = false
  const stop = await system.work(
    async ({ tenant, ms }) => {
      left[Number(tenant)]!--
      const startedAt = performance.now()
      await sleep(ms)
      if (counting) served[Number(tenant)]! += performance.now() - startedAt
    },
    { concurrency },
  )
  await sleep(warmUpMs)
  counting = true
  await sleep(seconds * 1_000)
  counting = false
  void stop()
  return { jain: jainIndex(served), ranDry: left.filter((jobs) => jobs <= 0).length }
}

import { fill } from './enqueue-task.ts'
import type { Spread } from './payload.ts'
import { QuietTenants, quietPrefix } from './quiet-tenants.ts'
import { percentile } from './statistics.ts'
import type { System } from './system.ts'
import { type Delivery, Tally } from './tally.ts'

interface CatchUpInput {
  jobs: number
  spread: Spread
  batch: number
  limitMs: number
}

const bulk = 'bulk'
const transactional = 'transactional'

/**
 * Works off what a long stop left in one lane, while 50 jobs a second come in another: jobs a second of the first, and
 * milliseconds that the second waits, 99th percentile.
 */
export async function catchUp(
  system: System,
  { jobs, spread, batch, limitMs }: CatchUpInput,
): Promise<Delivery & { perSecond: number; transactionalP99: number }> {
  await fill(system, { jobs, spread, batch, lane: bulk })
  const tally = new Tally(jobs)
  const quiet = new QuietTenants(system, { tenants: 20, everyMs: 400, lane: transactional, ms: 0 })
  const startedAt = performance.now()
  const stop = await system.work(
    ({ n, tenant }) => {
      if (tenant.startsWith(quietPrefix)) quiet.started(n)
      else tally.see(n)
      return undefined
    },
    {
      concurrency: 'no-op',
      lanes: { [transactional]: { weight: 8, reserved: 0.25 }, [bulk]: {} },
    },
  )
  let timer: NodeJS.Timeout | undefined
  await Promise.race([tally.all, new Promise((resolve) => (timer = setTimeout(resolve, limitMs)))])
  clearTimeout(timer)
  const perSecond = ((jobs - tally.delivery.lost) / (performance.now() - startedAt)) * 1_000
  const transactionalP99 = percentile(quiet.dwells(startedAt), 99)
  await quiet.stop()
  await stop()
  return { ...tally.delivery, perSecond, transactionalP99 }
}

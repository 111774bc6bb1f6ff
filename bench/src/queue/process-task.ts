import { fill } from './enqueue-task.ts'
import type { Spread } from './payload.ts'
import type { System } from './system.ts'
import { type Delivery, Tally } from './tally.ts'

/** Works off `jobs` stored jobs, numbered from 0, with handlers that do nothing. Counted until the last handler call. */
export async function drain(
  system: System,
  { jobs, limitMs }: { jobs: number; limitMs: number },
): Promise<Delivery & { perSecond: number; left: number }> {
  const tally = new Tally(jobs)
  const startedAt = performance.now()
  const stop = await system.work(
    ({ n }) => {
      tally.see(n)
      return undefined
    },
    { concurrency: 'no-op' },
  )
  let timer: NodeJS.Timeout | undefined
  await Promise.race([tally.all, new Promise((resolve) => (timer = setTimeout(resolve, limitMs)))])
  const perSecond = ((jobs - tally.delivery.lost) / (performance.now() - startedAt)) * 1_000
  clearTimeout(timer)
  await stop()
  return { ...tally.delivery, perSecond, left: await system.left() }
}

/** Fills and drains once, so that code is compiled, connections are open and buffers warm. */
export async function warmUp(
  system: System,
  { jobs, spread }: { jobs: number; spread: Spread },
): Promise<void> {
  await fill(system, { jobs, spread })
  await drain(system, { jobs, limitMs: 60_000 })
}

import type { NewPage } from '../../../pages/page.ts'
import { returnJobs } from '../../returned-jobs.ts'
import type { LossLimits } from '../../store.ts'
import { letterPage, record } from './effects.ts'
import { applySettle, type SettleOperation } from './operations.ts'
import { deadLetterEffects, restoreLine, scheduledLine, withoutEmpty } from './settling.ts'
import type { Shard } from './shard.ts'

/** Workers with leases here. */
export function workersOf(shard: Shard): Set<number> {
  return new Set([...shard.state.leases.values()].map(({ worker }) => worker))
}

/** Gives back what a dead worker holds. Returns the jobs returned. */
export async function takeBack(shard: Shard, worker: number, limits: LossLimits): Promise<number> {
  // Another call does it already.
  if (shard.returning.has(worker)) return 0
  shard.returning.add(worker)
  // From here on nothing that the worker says counts, even if this fails and must be tried again.
  shard.gone.add(worker)
  try {
    return await returnAll(shard, worker, limits)
  } finally {
    shard.returning.delete(worker)
  }
}

async function returnAll(shard: Shard, worker: number, limits: LossLimits): Promise<number> {
  const { state } = shard
  const now = shard.home.now()
  const leases = [...state.leases].filter(([, lease]) => lease.worker === worker)
  const held = leases.flatMap(([lease, { pages }]) => [...pages.values()].map((page) => ({ lease, page })))
  const bodies = await shard.home.bodies.readAvailable(
    shard.number,
    held.map(({ page }) => page),
  )
  const lost = held.flatMap(({ lease, page }, n) => {
    const body = bodies[n]
    return body === undefined ? [] : [{ ...page, lease, body, moving: worker < 0 }]
  })
  const returned = returnJobs(lost, { now, ...limits })
  const restored = returned.restored.flatMap(({ index, page }) =>
    page ? [{ ...lost[index]!, ...page, openAt: now }] : [],
  )
  const pages: NewPage[] = [
    ...returned.pages,
    ...restored.map(({ lane, tenant, stream, jobs, bytes, body }) => ({
      lane,
      tenant,
      stream,
      jobs,
      bytes,
      body,
    })),
    ...returned.dead.map(letterPage),
  ]
  const parts = pages.length > 0 ? await shard.write(pages) : []
  shard.check()
  const isRestored = new Set(restored.map(({ seq, lease }) => `${lease}/${seq}`))
  const operation: SettleOperation = {
    ...{ t: 'settle', worker, at: now, gone: true },
    scheduled: returned.pages.map((page, n) => scheduledLine(page, parts[n]!)),
    restore: restored.map((page, n) => restoreLine(page, parts[returned.pages.length + n]!)),
    finished: held
      .filter(({ lease, page }) => !isRestored.has(`${lease}/${page.seq}`))
      .map(({ lease, page }) => [lease, page.seq]),
  }
  const letters = parts.slice(returned.pages.length + restored.length)
  if (letters.length > 0) operation.effects = deadLetterEffects(shard, letters)
  applySettle(state, operation)
  // The jobs did not run: their tenants need not pay for them twice, nor wait for the time that was reserved for them.
  for (const { page } of held) {
    const head = state.head(page.lane, page.tenant)
    head.vtime -= ((page.jobs - page.done.length) * head.cost) / state.weightOf(page.tenant)
    state.refresh(head)
    if (head.pacedUntil !== undefined) head.pacedUntil = Math.min(head.pacedUntil, now)
  }
  await record(shard, withoutEmpty(operation))
  shard.gone.delete(worker)
  return returned.jobs
}

import type { Json } from '../../api/types.ts'
import { returnJobs } from '../returned-jobs.ts'
import type { LossLimits } from '../store.ts'
import { freeStream, putBack } from './settle.ts'
import { keyOfHead, type Tables } from './tables.ts'

export function openWorker(tables: Tables, leaseMs: number, kind?: 'mover'): number {
  const worker = kind === 'mover' ? -tables.nextNumber() : tables.nextNumber()
  tables.workers.set(worker, {
    expiresAt: tables.now() + leaseMs,
    report: undefined,
    settled: { number: 0, held: new Set() },
  })
  return worker
}

export function heartbeat(tables: Tables, worker: number, leaseMs: number, report?: Json): boolean {
  const session = tables.workers.get(worker)
  if (!session) return false
  session.expiresAt = tables.now() + leaseMs
  if (report !== undefined) session.report = report
  return true
}

/** One that still holds leases stays, to be reaped: its work would be lost with it. */
export function closeWorker(tables: Tables, worker: number): void {
  for (const lease of tables.leases.values()) if (lease.worker === worker) return
  tables.workers.delete(worker)
}

export function reports(tables: Tables): { worker: number; report: Json }[] {
  return [...tables.workers].flatMap(([worker, { expiresAt, report }]) =>
    report !== undefined && expiresAt >= tables.now() ? [{ worker, report }] : [],
  )
}

/** Returns the jobs that went back to the queue. */
export function reap(tables: Tables, limits: LossLimits): number {
  const now = tables.now()
  let jobs = 0
  for (const [worker, { expiresAt }] of tables.workers) {
    if (expiresAt >= now) continue
    for (const [id, lease] of tables.leases)
      if (lease.worker === worker) jobs += takeBack(tables, id, { now, ...limits })
    tables.workers.delete(worker)
  }
  return jobs
}

function takeBack(tables: Tables, lease: number, limits: LossLimits & { now: number }): number {
  const { worker, pages: held } = tables.leases.get(lease)!
  const lost = [...held.values()].map((page) => ({ ...page, moving: worker < 0 }))
  tables.leases.delete(lease)
  const { pages, restored, dead, jobs } = returnJobs(lost, limits)
  for (const page of pages) tables.schedule(page)
  for (const { index, page } of restored) {
    const { firstAt } = lost[index]!
    if (page) putBack(tables, lost[index]!, { ...page, firstAt, openAt: limits.now })
    else freeStream(tables, lost[index]!)
  }
  for (const job of dead) tables.bury(job)
  for (const head of tables.heads.values()) head.grants.delete(lease)
  // The jobs did not run: their tenants need not pay for them twice, nor wait for the time that was reserved for them.
  for (const { lane, tenant, jobs, done } of lost) {
    const head = tables.heads.get(keyOfHead(lane, tenant))
    if (head) head.vtime -= ((jobs - done.length) * head.cost) / (tables.controls.get(tenant)?.weight ?? 1)
    if (head?.pacedUntil !== undefined) head.pacedUntil = Math.min(head.pacedUntil, limits.now)
  }
  return jobs
}

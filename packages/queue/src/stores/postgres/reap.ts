import { isExclusive } from '../../pages/streams.ts'
import { returnJobs } from '../returned-jobs.ts'
import type { DeadJob, LossLimits } from '../store.ts'
import { appendAll, uniqueHeads } from './append.ts'
import type { ClockWatch } from './clock-watch.ts'
import { byHead, columns, type Db, type PoolDb } from './db.ts'
import { restorePages } from './settle.ts'

interface LostLease {
  id: number
  moving: boolean
  lanes: string[]
  tenants: string[]
  streams: string[]
  seqs: string[]
}

/** Gives back what silent workers held; all of it or nothing, so that a reaper that dies changes nothing. */
export function reap(db: PoolDb, limits: LossLimits, watch: ClockWatch): Promise<number> {
  return db.transaction(async (tx) => {
    const [expired] = await tx.run<{ at: number; ids: string[] }>('expiredWorkers')
    const workers = expired!.ids
    if (!watch.trusts(expired!.at) || workers.length === 0) return 0
    const leases = await tx.run<LostLease>('endLeases', [workers])
    const jobs = leases.length > 0 ? await takeBack(tx, db.now(), leases, limits) : 0
    await tx.run('forgetWorkers', [workers])
    return jobs
  })
}

/** Gives back what a worker holds without knowing it. */
export function releaseOrphans(
  db: PoolDb,
  worker: number,
  known: number[],
  olderThanMs: number,
): Promise<number> {
  return db.transaction(async (tx) => {
    const leases = await tx.run<LostLease>('endUnknown', [worker, known, olderThanMs])
    // It ran nothing of them, as if it had been a mover.
    const unrun = leases.map((lease) => ({ ...lease, moving: true }))
    return leases.length > 0 ? takeBack(tx, db.now(), unrun, { maxAttempts: Number.POSITIVE_INFINITY }) : 0
  })
}

async function takeBack(tx: Db, now: number, leases: LostLease[], limits: LossLimits): Promise<number> {
  const refs = leases.flatMap(({ moving, lanes, tenants, streams, seqs }) =>
    lanes.map((lane, at) => ({
      lane,
      tenant: tenants[at]!,
      stream: streams[at] ?? '',
      seq: seqs[at]!,
      moving,
    })),
  )
  const grants = await tx.run<{ lease: string; lane: string; tenant: string }>('lostGrants', [
    leases.map((lease) => lease.id),
  ])
  const heads = uniqueHeads(refs)
  await tx.run('lockHeads', byHead(heads), heads.length)
  const pages = await tx.run<Parameters<typeof returnJobs>[0][number] & { seq: number; jobs: number }>(
    'takeBack',
    [
      ...byHead(refs),
      ...columns(
        refs,
        (ref) => ref.stream,
        (ref) => ref.seq,
        (ref) => ref.moving,
      ),
    ],
    refs.length,
  )
  const unrun = unfinishedByHead(pages)
  await tx.run('refund', [...byHead(unrun), unrun.map(({ jobs }) => jobs)], unrun.length)
  const returned = returnJobs(pages, { now, ...limits })
  const restored = returned.restored.flatMap(({ index, page }) => {
    const { lane, tenant, stream, seq, firstAt } = pages[index]!
    return page ? [{ lane, tenant, stream, seq, firstAt, openAt: 0, ...page }] : []
  })
  if (restored.length > 0) await restorePages(tx, now, restored)
  const ended = refs.filter(
    (ref) =>
      isExclusive(ref.stream) &&
      !restored.some(
        (page) => page.stream === ref.stream && page.tenant === ref.tenant && page.lane === ref.lane,
      ),
  )
  if (ended.length > 0)
    await tx.run('freeStreams', [...byHead(ended), ended.map((ref) => ref.stream), now], ended.length)
  if (grants.length > 0)
    await tx.run('releaseGrants', [grants.map((grant) => grant.lease), ...byHead(grants)], grants.length)
  await tx.run('reopenPaced', [...byHead(heads), now], heads.length)
  await tx.run('refreshHeads', [...byHead(heads), now], heads.length)
  if (returned.pages.length > 0) await appendAll(tx, now, returned.pages, {})
  if (returned.dead.length > 0) await bury(tx, now, returned.dead)
  return returned.jobs
}

function unfinishedByHead(pages: { lane: string; tenant: string; jobs: number; done: number[] | null }[]) {
  const heads = new Map<string, { lane: string; tenant: string; jobs: number }>()
  for (const { lane, tenant, jobs, done } of pages) {
    const key = JSON.stringify([lane, tenant])
    const head = heads.get(key) ?? { lane, tenant, jobs: 0 }
    head.jobs += jobs - (done?.length ?? 0)
    heads.set(key, head)
  }
  return [...heads.values()]
}

async function bury(tx: Db, now: number, jobs: DeadJob[]): Promise<void> {
  const values = columns(
    jobs,
    (job) => job.lane,
    (job) => job.tenant,
    (job) => job.stream ?? '',
    (job) => job.id,
    (job) => job.name,
    (job) => job.data,
    (job) => job.blob ?? null,
    (job) => job.attempts,
    (job) => job.reason,
  )
  await tx.run('bury', [now, ...values], jobs.length)
}

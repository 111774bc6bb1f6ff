import type { ClaimedPage, LaneRequest } from '../store.ts'
import type { Cancels } from './admin/cancels.ts'
import { pause } from './client/retrying.ts'
import type { Borrower } from './cluster/borrower.ts'
import type { Cluster } from './cluster/cluster.ts'
import type { LocalSession } from './cluster/sessions.ts'
import type { Bodies } from './items/bodies.ts'
import { Superseded } from './shard/journal.ts'
import type { Lanes } from './shard/lanes.ts'
import { pick, type Taken } from './shard/pick.ts'
import type { Shard } from './shard/shard.ts'

interface Parts {
  cluster: Cluster
  lanes: Lanes
  bodies: Bodies
  cancels: Cancels
  borrower: Borrower
}

/** What this process appended a moment ago is there when it claims, unless very much is taken in before it. */
const offersMs = 100

/** Tells leases of this process's sessions apart from each other, and mostly from those of all others. */
let lastLease = (Date.now() % 2 ** 41) * 4_096
export const nextLease = (): number => ++lastLease

/**
 * Takes pages from all shards of this process as if they were one. What was taken is written to the journals of its shards,
 * which also finds out whether they are still this process's, while the bodies are read.
 */
export async function claim(
  parts: Parts,
  session: LocalSession,
  requests: LaneRequest[],
): Promise<ClaimedPage[]> {
  const offers = [...parts.cluster.owned.values()].flatMap((shard) => shard.intake.offers ?? [])
  if (offers.length > 0) await Promise.race([Promise.all(offers), pause(offersMs)])
  const lease = nextLease()
  let taken = pickAll(parts, requests, lease, session.worker)
  if (taken.length === 0) {
    const loading = requests.flatMap(({ lane }) => [...parts.lanes.get(lane).loading])
    if (loading.length === 0) return parts.borrower.claim(session, requests)
    // There is more, on disk.
    await Promise.all(loading)
    taken = pickAll(parts, requests, lease, session.worker)
    if (taken.length === 0) return parts.borrower.claim(session, requests)
  }
  const byShard = groupByShard(parts.cluster, taken)
  session.leases.set(lease, new Set([...byShard.keys()].map((shard) => shard.number)))
  const results = await Promise.allSettled(
    [...byShard].map(([shard, own]) => recordAndRead(parts.bodies, shard, own, lease, session)),
  )
  const bodies = new Map<Taken, (string | undefined)[]>()
  for (const result of results)
    if (result.status === 'fulfilled') for (const [one, some] of result.value) bodies.set(one, some)
  if (bodies.size === 0) {
    session.leases.delete(lease)
    // Shards that turn out to be another's are no failure: their work is claimed there.
    const failed = results.find(
      (result) => result.status === 'rejected' && !(result.reason instanceof Superseded),
    )
    if (failed) throw (failed as PromiseRejectedResult).reason
  }
  return taken.flatMap((one) => claimedPages(parts.cancels, one, lease, bodies.get(one) ?? []))
}

function pickAll({ lanes }: Parts, requests: LaneRequest[], lease: number, worker: number): Taken[] {
  return requests.flatMap((request) => {
    const lane = lanes.get(request.lane)
    lane.askedAt = performance.now()
    return pick(lane, request, lease, worker)
  })
}

function groupByShard(cluster: Cluster, taken: Taken[]): Map<Shard, Taken[]> {
  const groups = new Map<Shard, Taken[]>()
  for (const one of taken) {
    const shard = cluster.owned.get(one.head.state.shard)!
    const group = groups.get(shard)
    if (group) group.push(one)
    else groups.set(shard, [one])
  }
  return groups
}

/** Rejects when the shard's part of the claim came to nothing; its pages are then claimable again. */
async function recordAndRead(
  bodies: Bodies,
  shard: Shard,
  taken: Taken[],
  lease: number,
  session: LocalSession,
): Promise<[Taken, (string | undefined)[]][]> {
  const pages = taken.flatMap((one) => one.pages)
  const [recorded, read] = await Promise.allSettled([
    shard.recordClaim(lease, session.worker, taken),
    bodies.readAvailable(shard.number, pages),
  ])
  if (recorded.status === 'rejected' || read.status === 'rejected') {
    session.leases.get(lease)?.delete(shard.number)
    await shard.unclaim(lease).catch(() => {})
    throw recorded.status === 'rejected' ? recorded.reason : (read as PromiseRejectedResult).reason
  }
  // Pages without a body are lost, which was reported; what is left of them ends here.
  const gone = pages.filter((_, n) => read.value[n] === undefined)
  if (gone.length > 0) await shard.endLost(lease, session.worker, gone)
  let start = 0
  return taken.map((one) => [one, read.value.slice(start, (start += one.pages.length))])
}

function claimedPages(
  cancels: Cancels,
  { head, pages, cost, weight, grant, pace }: Taken,
  lease: number,
  bodies: (string | undefined)[],
): ClaimedPage[] {
  const { lane, tenant } = head
  const marked = cancels.has(lane, tenant)
  return pages.flatMap(({ stream, jobs, bytes, seq, readyAt, firstAt, done }, n) => {
    const body = bodies[n]
    if (body === undefined) return []
    return [
      {
        ...{ lane, tenant, stream, jobs, bytes, body, lease, seq, readyAt, firstAt, done: [...done] },
        ...{ cost, weight, grant, pace, cancels: marked },
      },
    ]
  })
}

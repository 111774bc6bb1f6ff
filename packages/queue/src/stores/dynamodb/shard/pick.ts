import { maxPageJobs } from '../../../pages/page.ts'
import type { LaneRequest } from '../../store.ts'
import { grantTo, type Head } from './head.ts'
import type { LaneOrder } from './lanes.ts'
import type { ShardState } from './state.ts'
import type { StoredPage } from './stored-page.ts'

/** What a claim takes of one head, and on which terms. */
export interface Taken {
  head: Head
  pages: StoredPage[]
  cost: number
  weight: number
  grant: number | null
  pace: { from: number; perSecond: number } | null
}

/**
 * Takes pages of the heads with the lowest virtual time, over all shards of this process, and charges them: start-time fair
 * queueing as in the other stores. Or over one shard, to lend its work to another process.
 */
export function pick(
  lane: LaneOrder,
  request: LaneRequest,
  lease: number,
  worker: number,
  only?: ShardState,
): Taken[] {
  if (lane.paused) return []
  const skip = new Set(request.skip)
  const candidates: Head[] = []
  const passedOver: Head[] = []
  while (candidates.length < request.heads) {
    const head = lane.heads.pop()
    if (!head) break
    if (skip.has(head.tenant) || (only && head.state !== only)) passedOver.push(head)
    else candidates.push(head)
  }
  for (const head of passedOver) lane.heads.push(head)
  const taken: Taken[] = []
  let bytes = 0
  let full = false
  for (const head of candidates) {
    const pages: StoredPage[] = full ? [] : takeTurn(head, request, lease, worker, bytes)
    full ||= pages.length === 0
    if (pages.length > 0) {
      if (bytes === 0) lane.vtime = Math.max(lane.vtime, head.vtime)
      for (const page of pages) bytes += page.bytes
      taken.push(charge(head, pages, lease, request.slots))
    }
    if (head.heapIndex < 0 && head.state.canServe(head)) lane.heads.push(head)
  }
  return taken
}

/**
 * The next pages of a head in the order of its streams, as far as the bytes go. One turn is at most as many jobs as
 * `pagesPerHead` full pages have: a tenant with thousands of keys gets no more at once than one with none.
 */
function takeTurn(
  head: Head,
  request: LaneRequest,
  lease: number,
  worker: number,
  bytesBefore: number,
): StoredPage[] {
  const pages: StoredPage[] = []
  const spent = []
  const times = new Map<string, number>()
  let jobs = 0
  let bytes = bytesBefore
  while (jobs < request.pagesPerHead * maxPageJobs) {
    const stream = head.open.first()
    if (!stream) break
    const page = stream.queue.first()!
    if (bytes > 0 && bytes + page.bytes > request.maxBytes) break
    head.state.take(head, stream, lease, worker)
    pages.push(page)
    jobs += page.jobs
    bytes += page.bytes
    const count = (times.get(stream.name) ?? 0) + 1
    times.set(stream.name, count)
    // Had its share of this turn: out of the order until the turn is over.
    if (count >= (stream.name === '' ? request.pagesPerHead : 1) && stream.heapIndex >= 0) {
      head.open.remove(stream)
      spent.push(stream)
    }
  }
  for (const stream of spent) head.state.refreshStream(head, stream)
  return pages
}

/** What the tenant pays for the pages, and under which limits their jobs may run. */
function charge(head: Head, pages: StoredPage[], lease: number, slots: number): Taken {
  const { maxInFlight, rate } = head.state.around.controlsOf(head.tenant)
  const jobs = pages.reduce((sum, page) => sum + page.jobs, 0)
  const weight = head.state.weightOf(head.tenant)
  const { cost } = head
  head.vtime += (jobs * cost) / weight
  let grant: Taken['grant'] = null
  if (maxInFlight !== null && maxInFlight !== undefined) {
    grant = Math.min(slots, head.state.slotsLeft(head))
    grantTo(head, lease, grant)
  }
  let pace: Taken['pace'] = null
  if (rate !== null && rate !== undefined) {
    pace = { from: head.state.around.now(), perSecond: rate }
    head.pacedUntil = pace.from + (jobs / rate) * 1_000
    head.state.timed.add(head)
  }
  return { head, pages, cost, weight, grant, pace }
}

import { maxPageJobs } from '../../pages/page.ts'
import { isExclusive, priorityOf, priorityStepMs } from '../../pages/streams.ts'
import type { ClaimedPage, LaneRequest } from '../store.ts'
import { slotsLeft } from './controls.ts'
import { type Head, keyOfHead, type StoredPage, type Stream, sumOf, type Tables } from './tables.ts'

/** One lease for what is taken from all lanes. */
export function claim(tables: Tables, worker: number, requests: LaneRequest[]): ClaimedPage[] {
  if (!tables.workers.has(worker)) throw new Error(`worker ${worker} is not alive`)
  const lease = tables.nextNumber()
  const pages = new Map<number, StoredPage>()
  const claimed = requests.flatMap((request) => serveLane(tables, lease, request, pages))
  if (pages.size > 0) tables.leases.set(lease, { worker, pages })
  return claimed
}

/** Start-time fair queueing: the lowest virtual time is served, and charged for what it gets. */
function serveLane(tables: Tables, lease: number, request: LaneRequest, taken: Map<number, StoredPage>) {
  const lane = tables.lane(request.lane)
  if (lane.paused) return []
  const heads = [...tables.heads.values()].filter((head) => head.lane === request.lane)
  for (const head of heads)
    if (head.idle && canServe(tables, head)) {
      head.idle = false
      // The past earns no credit, whether there was no work or it was not to be handed out.
      head.vtime = Math.max(head.vtime, lane.vtime)
    }
  const candidates = heads
    .filter((head) => canServe(tables, head) && !request.skip.includes(head.tenant))
    .sort((a, b) => a.vtime - b.vtime)
    .slice(0, request.heads)
  const claimed: ClaimedPage[] = []
  let bytes = 0
  for (const head of candidates) {
    const pages = takeTurn(tables, head, lease, request, bytes)
    if (pages.length === 0) break
    if (claimed.length === 0) lane.vtime = Math.max(lane.vtime, head.vtime)
    bytes += sumOf(pages, (page) => page.bytes)
    for (const page of pages) taken.set(page.seq, page)
    claimed.push(...charge(tables, head, lease, request, pages))
  }
  for (const head of heads) head.idle = !canServe(tables, head)
  return claimed
}

function canServe(tables: Tables, head: Head): boolean {
  return (
    !tables.controls.get(head.tenant)?.paused &&
    head.closedUntil === undefined &&
    head.pacedUntil === undefined &&
    slotsLeft(tables, head) > 0 &&
    [...head.streams.values()].some(isOpen)
  )
}

const isOpen = (stream: Stream): boolean =>
  stream.pages.length > 0 && !stream.leased && stream.openAt === undefined

/**
 * The next pages of a head in the order of their ranks, as far as the bytes go. One turn is at most as many jobs as
 * `pagesPerHead` full pages have: a tenant with thousands of keys gets no more at once than one with none.
 */
function takeTurn(tables: Tables, head: Head, lease: number, request: LaneRequest, bytesBefore: number) {
  // A tenant with a rate stays closed until its jobs have started: more than a page of them would only be hoarded.
  const pagesPerHead = tables.controls.get(head.tenant)?.rate == null ? request.pagesPerHead : 1
  const pages: StoredPage[] = []
  const times = new Map<Stream, number>()
  let jobs = 0
  let bytes = bytesBefore
  while (jobs < pagesPerHead * maxPageJobs) {
    const most = (stream: Stream) => (stream.name === '' ? pagesPerHead : 1)
    const open = [...head.streams.values()].filter(
      (stream) => isOpen(stream) && (times.get(stream) ?? 0) < most(stream),
    )
    if (open.length === 0) break
    const stream = open.reduce((best, one) => (isBefore(one, best) ? one : best))
    const page = stream.pages[0]!
    if (bytes > 0 && bytes + page.bytes > request.maxBytes) break
    stream.pages.shift()
    stream.leased = isExclusive(stream.name)
    stream.served = { at: tables.now(), lease }
    if (stream.pages.length === 0 && !stream.leased) head.streams.delete(stream.name)
    times.set(stream, (times.get(stream) ?? 0) + 1)
    pages.push(page)
    jobs += page.jobs
    bytes += page.bytes
  }
  return pages
}

/**
 * Streams are served by the time at which their next page became ready. A priority counts as an earlier time, so that it
 * ages; a key that was just served counts as ready since then, so that keys take turns.
 */
function rankOf(stream: Stream): number {
  const { readyAt } = stream.pages[0]!
  if (isExclusive(stream.name)) return Math.max(readyAt, stream.served.at)
  return readyAt - priorityOf(stream.name) * priorityStepMs
}

function isBefore(a: Stream, b: Stream): boolean {
  const difference = rankOf(a) - rankOf(b)
  if (difference !== 0) return difference < 0
  if (isExclusive(a.name) && isExclusive(b.name) && a.served.lease !== b.served.lease)
    return a.served.lease < b.served.lease
  return a.pages[0]!.seq < b.pages[0]!.seq
}

/** What the tenant pays for the pages, and under which limits their jobs may run. */
function charge(tables: Tables, head: Head, lease: number, { slots }: LaneRequest, pages: StoredPage[]) {
  const controls = tables.controls.get(head.tenant) ?? {}
  const jobs = sumOf(pages, (page) => page.jobs)
  const weight = controls.weight ?? 1
  const { cost } = head
  head.vtime += (jobs * cost) / weight

  let grant: ClaimedPage['grant'] = null
  if (controls.maxInFlight != null) {
    grant = Math.min(slots, slotsLeft(tables, head))
    head.grants.set(lease, grant)
  }
  let pace: ClaimedPage['pace'] = null
  if (controls.rate != null) {
    pace = { from: tables.now(), perSecond: controls.rate }
    head.pacedUntil = pace.from + (jobs / pace.perSecond) * 1_000
  }
  const cancels = tables.marks.has(keyOfHead(head.lane, head.tenant))
  return pages.map(
    (page): ClaimedPage => ({ ...page, done: [...page.done], lease, cost, weight, grant, pace, cancels }),
  )
}

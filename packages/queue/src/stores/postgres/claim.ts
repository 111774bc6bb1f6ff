import { isExclusive } from '../../pages/streams.ts'
import { type ClaimedPage, type LaneRequest, paceAheadMs } from '../store.ts'
import { byHead, columns, type Db, type PoolDb } from './db.ts'

/** Streams of one claim, over all its heads: keys with one job each are then still claimed hundreds at a time. */
const streamsPerClaim = 500

interface Row extends Omit<ClaimedPage, 'done' | 'grant' | 'pace' | 'stream'> {
  /** Null: a head to be served by the second half. */
  lease: number
  seq: number
  done: number[] | null
}

/** One statement for ordinary heads; a transaction for those with streams or limits, when there are any. */
export async function claim(db: PoolDb, worker: number, lanes: LaneRequest[]): Promise<ClaimedPage[]> {
  const skip = lanes.flatMap((request) =>
    request.skip.map((tenant) => `${[...request.lane].length}:${request.lane}${tenant}`),
  )
  const rows = await db.run<Row>('claim', [
    worker,
    lanes.map((request) => request.lane),
    lanes.map((request) => request.heads),
    lanes.map((request) => request.pagesPerHead),
    lanes.map((request) => request.maxBytes),
    skip,
  ])
  const pages: ClaimedPage[] = []
  const special: { lane: string; tenant: string }[] = []
  for (const row of rows) {
    if (row.lease === null) special.push({ lane: row.lane, tenant: row.tenant })
    else pages.push(ordinaryPage(row))
  }
  if (special.length > 0) pages.push(...(await claimSpecial(db, worker, lanes, special)))
  return pages
}

/** Member by member: copying the driver's rows with `...` took 3 of the 20 µs that a page of one job takes in the worker. */
const ordinaryPage = (row: Row): ClaimedPage => ({
  lease: row.lease,
  lane: row.lane,
  tenant: row.tenant,
  stream: '',
  seq: row.seq,
  jobs: row.jobs,
  bytes: row.bytes,
  body: row.body,
  done: row.done ?? [],
  readyAt: row.readyAt,
  firstAt: row.firstAt,
  cost: row.cost,
  weight: row.weight,
  grant: null,
  pace: null,
  cancels: row.cancels,
})

interface SpecialHead {
  lane: string
  tenant: string
  cursor: number
  vtime: number
  cost: number
  granted: number
  cancels: boolean
  openAt: number
  weight: number
  maxInFlight: number | null
  rate: number | null
}

type SpecialPage = Pick<
  ClaimedPage,
  'lane' | 'tenant' | 'stream' | 'seq' | 'jobs' | 'bytes' | 'readyAt' | 'firstAt' | 'body'
> & { done: number[] | null }

function claimSpecial(
  db: PoolDb,
  worker: number,
  lanes: LaneRequest[],
  named: { lane: string; tenant: string }[],
): Promise<ClaimedPage[]> {
  const requests = new Map(lanes.map((request) => [request.lane, request]))
  return db.transaction(async (tx) => {
    await tx.raw('set local synchronous_commit to off')
    const now = db.now()
    const heads = await tx.run<SpecialHead>('lockSpecial', byHead(named), named.length)
    if (heads.length === 0) return []
    const pages = await nextPages(tx, heads, requests)
    const taken = heads.flatMap((head) => {
      const own = pages.filter((page) => page.lane === head.lane && page.tenant === head.tenant)
      return own.length > 0 ? [take(head, own, requests.get(head.lane)!, now)] : []
    })
    const lease = taken.length > 0 ? await leaseTaken(tx, worker, taken) : 0
    if (taken.length > 0) await advance(tx, now, taken)
    await tx.run('refreshHeads', [...byHead(heads), now], heads.length)
    return taken.flatMap(({ head, pages, grant, pace }) =>
      pages.map((page) => ({
        ...page,
        lease,
        done: page.done ?? [],
        cost: head.cost,
        weight: head.weight,
        cancels: head.cancels,
        grant,
        pace,
      })),
    )
  })
}

function nextPages(tx: Db, heads: SpecialHead[], requests: Map<string, LaneRequest>): Promise<SpecialPage[]> {
  const streams = Math.max(8, Math.floor(streamsPerClaim / heads.length))
  return tx.run<SpecialPage>(
    'specialPages',
    [
      ...byHead(heads),
      ...columns(
        heads,
        (head) => head.cursor,
        // A rate's head stays closed until its jobs have started: more than a page would only be held.
        (head) => (head.rate === null ? requests.get(head.lane)!.pagesPerHead : 1),
        (head) => requests.get(head.lane)!.maxBytes,
      ),
      streams,
    ],
    heads.length,
  )
}

interface Taken {
  head: SpecialHead
  pages: SpecialPage[]
  jobs: number
  grant: number | null
  pace: ClaimedPage['pace']
  /** Epoch ms before which the head must not be claimed from again. */
  openAt: number
}

function take(head: SpecialHead, pages: SpecialPage[], request: LaneRequest, now: number): Taken {
  const jobs = pages.reduce((sum, page) => sum + page.jobs - (page.done?.length ?? 0), 0)
  const grant = head.maxInFlight === null ? null : Math.min(request.slots, head.maxInFlight - head.granted)
  if (head.rate === null) return { head, pages, jobs, grant, pace: null, openAt: 0 }
  const from = Math.max(now, head.openAt)
  const pace = { from, perSecond: head.rate }
  // Of more than this the worker gives back the rest.
  const kept = Math.ceil((head.rate * paceAheadMs) / 1_000)
  const started = pages.reduce(
    (sum, page) => sum + (isExclusive(page.stream) ? page.jobs : Math.min(page.jobs, kept)),
    0,
  )
  return { head, pages, jobs, grant, pace, openAt: from + (started / head.rate) * 1_000 }
}

async function leaseTaken(tx: Db, worker: number, taken: Taken[]): Promise<number> {
  const pages = taken.flatMap((one) => one.pages)
  const granted = taken.filter((one) => one.grant !== null)
  const [row] = await tx.run<{ lease: number }>(
    'leaseSpecial',
    [
      worker,
      ...byHead(pages),
      ...columns(
        pages,
        (page) => page.stream,
        (page) => page.seq,
      ),
      pages.reduce((sum, page) => sum + page.jobs, 0),
      ...columns(
        granted,
        (one) => one.head.lane,
        (one) => one.head.tenant,
        (one) => one.grant,
      ),
    ],
    pages.length,
  )
  return row!.lease
}

async function advance(tx: Db, now: number, taken: Taken[]): Promise<void> {
  const streams = taken.flatMap((one) => one.pages.filter((page) => page.stream !== ''))
  if (streams.length > 0)
    await tx.run(
      'advanceStreams',
      [
        ...byHead(streams),
        ...columns(
          streams,
          (page) => page.stream,
          (page) => page.seq,
        ),
        now,
      ],
      streams.length,
    )
  const cursorOf = ({ head, pages }: Taken) =>
    pages.reduce((last, page) => (page.stream === '' ? Math.max(last, page.seq) : last), head.cursor)
  const sum = (pages: SpecialPage[], pick: (page: SpecialPage) => number) =>
    pages.reduce((total, page) => total + pick(page), 0)
  await tx.run(
    'advanceHeads',
    columns(
      taken,
      (one) => one.head.lane,
      (one) => one.head.tenant,
      cursorOf,
      (one) => sum(one.pages, (page) => page.jobs),
      (one) => sum(one.pages, (page) => page.bytes),
      (one) => (one.jobs * one.head.cost) / one.head.weight,
      (one) => one.grant ?? 0,
      (one) => one.openAt,
    ),
    taken.length,
  )
}

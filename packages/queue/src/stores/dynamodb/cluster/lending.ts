import type { LaneRequest } from '../../store.ts'
import type { Lanes } from '../shard/lanes.ts'
import { pick, type Taken } from '../shard/pick.ts'
import type { Shard } from '../shard/shard.ts'
import { type Line, lineOf } from '../shard/stored-page.ts'

/** A page that is leased to a worker of another process: all but its body, which that process reads itself. */
export interface LentPage {
  line: Line
  cost: number
  weight: number
  grant: number | null
  pace: { from: number; perSecond: number } | null
  cancels: boolean
}

export interface Loan {
  worker: number
  lease: number
  requests: LaneRequest[]
}

/** An answer must fit an item, and what is lent should be done in a moment. */
const most = { heads: 50, pagesPerHead: 4 }

/**
 * Leases pages of a shard to a worker of another process that has nothing to do. The same question again (its answer was
 * lost, or the shard has a new owner since) gets the same pages.
 */
export async function lend(
  shard: Shard,
  lanes: Lanes,
  hasMarks: (lane: string, tenant: string) => boolean,
  { worker, lease, requests }: Loan,
): Promise<LentPage[]> {
  const known = shard.state.leases.get(lease)
  if (known) {
    const terms = { cost: 1, weight: 1, grant: null, pace: null, cancels: true }
    return [...known.pages.values()].map((page) => ({ line: lineOf(page, true), ...terms }))
  }
  const taken = requests.flatMap((request) => {
    const modest = {
      ...request,
      heads: Math.min(request.heads, most.heads),
      pagesPerHead: Math.min(request.pagesPerHead, most.pagesPerHead),
    }
    return pick(lanes.get(request.lane), modest, lease, worker, shard.state)
  })
  if (taken.length > 0) await shard.recordClaim(lease, worker, taken)
  return taken.flatMap((one) => lentPages(one, hasMarks(one.head.lane, one.head.tenant)))
}

const lentPages = ({ pages, cost, weight, grant, pace }: Taken, cancels: boolean): LentPage[] =>
  pages.map((page) => ({ line: lineOf(page, true), cost, weight, grant, pace, cancels }))

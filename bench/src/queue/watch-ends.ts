import type { Store } from '@fairway/queue'
import { idPattern } from './crash-jobs.ts'
import type { Log } from './crash-log.ts'

interface PageKey {
  lease: number
  lane: string
  tenant: string
  stream?: string
  seq: number
}
const keyOf = ({ lease, lane, tenant, stream, seq }: PageKey) =>
  [lease, lane, tenant, stream, seq].join('\u0000')

const jobsIn = (body: string) => [...body.matchAll(idPattern)].map(([, n]) => Number(n))

/**
 * Writes down when jobs are claimed and when their end is stored. The queue tells nobody the latter, so this listens between
 * it and its store: what was claimed is kept here, by page, until a settlement that names the page is confirmed.
 */
export function watchEnds(store: Store, log: Log): void {
  const held = new Map<string, number[]>()
  const claim = store.claim.bind(store)
  store.claim = async (...request) => {
    const pages = await claim(...request)
    for (const page of pages) {
      const jobs = jobsIn(page.body)
      held.set(keyOf(page), jobs)
      log('claimed', ...jobs)
    }
    return pages
  }

  const settle = store.settle.bind(store)
  store.settle = async (settlement) => {
    const leases = await settle(settlement)
    // Their old page is finished, they are not.
    const toRunAgain = new Set(settlement.reschedule.flatMap(({ body }) => jobsIn(body)))
    for (const page of settlement.partial)
      if (leases.has(page.lease))
        log('acknowledged', ...page.positions.map((position) => held.get(keyOf(page))![position]!))
    for (const page of settlement.finished) {
      const key = keyOf(page)
      if (leases.has(page.lease)) log('acknowledged', ...held.get(key)!.filter((n) => !toRunAgain.has(n)))
      held.delete(key)
    }
    return leases
  }
}

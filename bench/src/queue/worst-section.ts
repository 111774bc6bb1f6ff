import { pairedRow } from '../report.ts'
import type { Spread } from './payload.ts'
import { type Section, Series } from './section.ts'
import { worstJobs } from './sizes.ts'
import { peers } from './system.ts'

/** 10,000 tenants take turns, and one addMany holds one job of each: every stored page holds a single job. */
const oneJobPerPage: Spread = { tenants: 10_000, perTenant: 1 }
const batch = 10_000

/** Where pages cannot help us, against the best peer where nothing hinders it. */
export function worstSection(): Section {
  const rates = new Series<'in' | 'out' | 'best in' | 'best out'>()
  return {
    async measure(_lab, figures) {
      rates.push('in', await figures.bulk('fairway', oneJobPerPage, batch))
      rates.push('out', (await figures.process('fairway', worstJobs, oneJobPerPage, batch)).perSecond)
      let bestIn = 0
      let bestOut = 0
      for (const peer of peers) {
        bestIn = Math.max(bestIn, await figures.bulk(peer))
        bestOut = Math.max(bestOut, (await figures.process(peer)).perSecond)
      }
      rates.push('best in', bestIn)
      rates.push('best out', bestOut)
    },
    rows: () => [
      pairedRow(
        'worst case, one job a page for 10,000 tenants: add',
        'jobs/s',
        rates.pairs('in', 'best in'),
        'best peer, its ordinary bulk add',
        { ratio: 2 },
      ),
      pairedRow(
        'worst case, one job a page for 10,000 tenants: process',
        'jobs/s',
        rates.pairs('out', 'best out'),
        'best peer, its ordinary processing',
        { ratio: 2 },
      ),
    ],
  }
}

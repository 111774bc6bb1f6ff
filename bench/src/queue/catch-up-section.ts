import { pairedRow } from '../report.ts'
import { type Section, Series } from './section.ts'
import { catchUpJobs, drainLimitMs } from './sizes.ts'

/**
 * Eight hours at 2,000 jobs a second, at a scale of 1 : 10. Bulk work comes many jobs a tenant at a time; a trickle over
 * many tenants leaves pages that hold one job each, and is measured at 1 : 100.
 */
const backlogs = [
  { name: 'pages of 50 jobs', jobs: catchUpJobs, spread: { tenants: 1_000, perTenant: 50 }, batch: 1_000 },
  {
    name: 'pages of 1 job',
    jobs: Math.round(catchUpJobs / 10),
    spread: { tenants: 10_000, perTenant: 1 },
    batch: 10_000,
  },
]

/** After a long stop: how fast the backlog goes, and whether urgent mail still gets through. */
export function catchUpSection(): Section {
  const rate = new Series<string>()
  const dwell = new Series<string>()
  const wrong = new Series<string>()
  return {
    async measure(lab) {
      for (const { name, ...input } of backlogs) {
        const result = await lab.with('fairway', (subject) =>
          subject.run('catchUp', { ...input, limitMs: 2 * drainLimitMs }),
        )
        rate.push(name, result.perSecond)
        dwell.push(name, result.transactionalP99)
        wrong.push(name, result.lost + result.duplicates)
      }
    },
    rows: () =>
      backlogs.flatMap(({ name, jobs }) => {
        const stop = `catching up ${jobs.toLocaleString('en')} jobs, ${name}`
        return [
          pairedRow(`${stop}`, 'jobs/s', rate.pairs(name), null, { atLeast: 100_000 }),
          pairedRow(`${stop}: transactional jobs wait, p99`, 'ms', dwell.pairs(name), null, { atMost: 100 }),
          pairedRow(`${stop}: lost or doubled`, 'jobs', [{ ours: Math.max(...wrong.of(name)) }], null, {
            atMost: 0,
          }),
        ]
      }),
  }
}

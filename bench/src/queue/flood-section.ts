import { median, pairedRow } from '../report.ts'
import { nameOf } from './names.ts'
import { type Section, Series } from './section.ts'
import { floodInput, floodJobs, shareInput, shareJobs } from './sizes.ts'
import { type Kind, kinds } from './system.ts'

/** Of the peers only one has a setting against floods: at most half of the slots for one group. */
const flooded: Kind[] = [...kinds, 'pg-boss-groups']
const worstAllowedMs = 100

/** What a flood does to the others, and how equally backlogged tenants are served. */
export function floodSection(): Section {
  const idle = new Series<Kind>()
  const during = new Series<Kind>()
  const jain = new Series<Kind>()
  return {
    async measure(lab) {
      for (const kind of flooded) {
        const dwell = await lab.with(kind, (subject) =>
          subject.run('flood', { jobs: floodJobs[kind], ...floodInput }),
        )
        idle.push(kind, dwell.idle)
        during.push(kind, dwell.flooded)
      }
      for (const kind of kinds) {
        const { jain: index, ranDry } = await lab.with(kind, (subject) =>
          subject.run('share', { jobsPerTenant: shareJobs[kind], ...shareInput }),
        )
        if (ranDry > 0) console.error(`share: ${ranDry} tenants of ${kind} ran out of work`)
        jain.push(kind, index)
      }
    },
    rows: () => [
      ...flooded
        .slice(1)
        .map((peer) =>
          pairedRow(
            'quiet tenants wait, p99, nobody floods',
            'ms',
            idle.pairs('fairway', peer),
            nameOf[peer],
          ),
        ),
      ...flooded
        .slice(1)
        .map((peer) =>
          pairedRow(
            `quiet tenants wait, p99, one tenant floods ${jobs('fairway')} jobs of 10 ms (peer: ${jobs(peer)})`,
            'ms',
            during.pairs('fairway', peer),
            nameOf[peer],
            { atMost: Math.max(2 * median(idle.of('fairway')), worstAllowedMs) },
          ),
        ),
      ...kinds
        .slice(1)
        .map((peer) =>
          pairedRow(
            'equal service for tenants whose jobs cost 1 to 20 ms, Jain',
            '',
            jain.pairs('fairway', peer),
            nameOf[peer],
            { atLeast: 0.98 },
          ),
        ),
    ],
  }
}

const jobs = (kind: Kind) => floodJobs[kind].toLocaleString('en')

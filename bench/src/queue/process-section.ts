import { pairedRow } from '../report.ts'
import { nameOf } from './names.ts'
import { type Section, Series } from './section.ts'
import { type Kind, kinds, peers, usesRedis } from './system.ts'

/** Working off a backlog with a handler per job that does nothing: what the queue itself costs. */
export function processSection(): Section {
  const rates = new Series<Kind>()
  const wrong = new Series<Kind>()
  return {
    async measure(_lab, figures) {
      for (const kind of kinds) {
        const { perSecond, lost, duplicates, left } = await figures.process(kind)
        rates.push(kind, perSecond)
        wrong.push(kind, lost + duplicates + left)
      }
    },
    rows: () => [
      ...peers.map((peer) =>
        pairedRow('process, no-op handlers', 'jobs/s', rates.pairs('fairway', peer), nameOf[peer], {
          ...(usesRedis(peer) && { ratio: 10 }),
          ...(peer === 'graphile-worker' && { ratio: 5 }),
        }),
      ),
      ...kinds.map((kind) =>
        pairedRow(
          `of these lost, doubled or left over: ${nameOf[kind]}`,
          'jobs',
          [{ ours: Math.max(...wrong.of(kind)) }],
          null,
          { atMost: 0 },
        ),
      ),
    ],
  }
}

import { pairedRow } from '../report.ts'
import { manyTenantsPerBatch } from './figures.ts'
import { nameOf } from './names.ts'
import { type Section, Series } from './section.ts'
import { type Kind, kinds, peers, usesRedis } from './system.ts'

/** Adding: in bulk, and one by one from many callers at once. */
export function enqueueSection(): Section {
  const bulk = new Series<Kind>()
  const mixed = new Series<Kind>()
  const single = new Series<Kind>()
  const scattered = new Series<Kind>()
  return {
    async measure(_lab, figures) {
      for (const kind of kinds) {
        bulk.push(kind, await figures.bulk(kind))
        single.push(kind, await figures.single(kind))
      }
      // For the peers tenants are no more than a part of the data.
      for (const kind of kinds)
        scattered.push(kind, await figures.single(kind, kind === 'fairway' ? 1_000 : 10))
      mixed.push('fairway', await figures.bulk('fairway', manyTenantsPerBatch))
    },
    rows: () => [
      ...peers.map((peer) =>
        pairedRow(
          'add in batches of 1,000',
          'jobs/s',
          bulk.pairs('fairway', peer),
          nameOf[peer],
          usesRedis(peer) ? { ratio: 10 } : undefined,
        ),
      ),
      pairedRow('add in batches of 1,000 for 20 tenants', 'jobs/s', mixed.pairs('fairway'), null),
      ...peers.map((peer) =>
        pairedRow(
          'add one by one, 64 callers at once, for 10 tenants',
          'jobs/s',
          single.pairs('fairway', peer),
          nameOf[peer],
          usesRedis(peer) ? { ratio: 3 } : undefined,
        ),
      ),
      ...peers.map((peer) =>
        pairedRow(
          'add one by one, 64 callers at once, for 1,000 tenants',
          'jobs/s',
          scattered.pairs('fairway', peer),
          nameOf[peer],
          usesRedis(peer) ? { ratio: 3 } : undefined,
        ),
      ),
    ],
  }
}

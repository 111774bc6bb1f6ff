import { expect, it } from 'vitest'
import { createTestDatabase } from '../../../../testing/postgres.ts'
import { until } from '../../../../testing/until.ts'
import { createQueue, postgresStore, type Store } from '../../src/index.ts'
import { recordsOf, Scene } from '../stores/conformance/scene.ts'
import { openPostgres } from '../stores/harness.ts'
import { job, lanes } from '../worker-support.ts'

/** The store itself, but for a connection that breaks after a claim was committed and before it is known here. */
function losing(store: Store): Store {
  const claim = store.claim.bind(store)
  let lost = false
  store.claim = async (...request) => {
    const pages = await claim(...request)
    if (pages.length === 0 || lost) return pages
    lost = true
    throw new Error('Connection terminated unexpectedly')
  }
  return store
}

it('runs what was claimed although the answer to the claim was lost, by the same worker and soon', async () => {
  const database = await createTestDatabase({ migrate: false })
  const queue = createQueue({ store: losing(postgresStore({ connectionString: database.url })) })
  await queue.migrate()
  const ran: { data: unknown; attempt: number }[] = []
  await queue.addMany([job('a', 0), job('a', 1), job('b', 2, { key: 'k' }), job('b', 3, { key: 'k' })])
  const worker = queue.worker(
    { job: ({ data, attempt }) => void ran.push({ data, attempt }) },
    { lanes, leaseMs: 2_000 },
  )
  await until(() => ran.length === 4)
  expect(ran.map(({ data }) => data).sort()).toEqual([0, 1, 2, 3])
  expect(new Set(ran.map(({ attempt }) => attempt)).size).toBe(1)
  await worker.close()
  expect(ran).toHaveLength(4)
  await queue.close()
  await database.drop()
}, 60_000)

it('gives back what a living worker holds without knowing it, as it was', async () => {
  const harness = await openPostgres()
  const scene = new Scene(harness, 'lane', openPostgres)
  const { store } = scene
  const worker = await scene.worker()
  await store.append([scene.page('a', '1 2'), scene.page('b', 'k1 k2', { stream: 'kx' })])
  const [known] = await worker.claim({ skip: ['b'] })
  expect(await worker.claim()).toHaveLength(1)
  expect(await store.releaseOrphans!(worker.id, [known!.lease], 60_000)).toBe(0)
  expect(await store.releaseOrphans!(worker.id, [known!.lease], -1_000)).toBe(2)
  await scene.promote()
  const pages = await worker.claim()
  expect(recordsOf(pages).map(([id, , , attempts]) => [id, attempts])).toEqual([
    ['k1', undefined],
    ['k2', undefined],
  ])
  expect(await worker.finish([known!, ...pages])).toEqual(new Set([known!.lease, pages[0]!.lease]))
  await harness.close()
})

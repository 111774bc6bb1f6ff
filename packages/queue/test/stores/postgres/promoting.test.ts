import { afterAll, beforeAll, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../../../testing/postgres.ts'
import { packPages } from '../../../src/pages/pack-pages.ts'
import { postgresStore } from '../../../src/stores/postgres/postgres-store.ts'
import type { Store } from '../../../src/stores/store.ts'

let database: TestDatabase
let store: Store

beforeAll(async () => {
  database = await createTestDatabase({ migrate: false })
  store = postgresStore({ pool: database.pool })
  await store.migrate()
})
afterAll(async () => {
  await store.close()
  await database.drop()
})

it('jobs that became due can be claimed before streams and closed heads are looked at', async () => {
  const record = JSON.stringify(['j1', 'job', null])
  const [page] = packPages([{ lane: 'l', tenant: 'a', stream: '', record, bytes: record.length }])
  await store.append([{ ...page!, dueAt: store.now() - 1 }])
  const worker = await store.openWorker(600_000)
  const client = await database.pool.connect()
  await client.query('begin; lock table fairway_queue.streams in access exclusive mode')
  let isOver = false
  let promoting: Promise<unknown> | undefined
  await new Promise<void>((resolve) => {
    promoting = store.promote(100, resolve).finally(() => (isOver = true))
  })
  expect(isOver).toBe(false)
  const pages = await store.claim(worker, [
    { lane: 'l', heads: 10, pagesPerHead: 1, maxBytes: 1_000_000, slots: 1, skip: [] },
  ])
  expect(pages.map(({ jobs }) => jobs)).toEqual([1])
  expect(isOver).toBe(false)
  await client.query('rollback')
  client.release()
  expect(await promoting).toMatchObject({ jobs: 1 })
})

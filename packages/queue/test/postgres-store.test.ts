import { createTestDatabase } from '../../../testing/postgres.ts'
import { postgresStore } from '../src/index.ts'
import { conformance } from './conformance.ts'

conformance('postgres', async () => {
  const database = await createTestDatabase({ migrate: false })
  let offset = 0
  const store = postgresStore({ pool: database.pool, now: () => 1_800_000_000_000 + offset })
  await store.migrate()
  await store.migrate()
  return {
    store,
    expire: async (worker) => {
      await database.pool.query(
        `update fairway_queue.workers set expires_at = clock_timestamp() - interval '1 second' where id = $1`,
        [worker],
      )
    },
    advance: (ms) => {
      offset += ms
    },
    close: async () => {
      await store.close()
      await database.drop()
    },
  }
})

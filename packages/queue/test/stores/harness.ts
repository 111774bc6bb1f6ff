import { createTestDatabase } from '../../../../testing/postgres.ts'
import { memoryStore } from '../../src/stores/memory/memory-store.ts'
import { postgresStore } from '../../src/stores/postgres/postgres-store.ts'
import type { Harness } from './conformance.ts'

/** Far from the real time, so that a store which reads another clock than the one it was given is found out. */
const startOfTests = 1_800_000_000_000

export async function openMemory(): Promise<Harness> {
  let offset = 0
  const store = memoryStore({ now: () => startOfTests + offset })
  return {
    store,
    // The clock for leases is the same: silence is a heartbeat that promised nothing.
    expire: async (worker) => {
      await store.heartbeat(worker, -1)
    },
    advance: (ms) => {
      offset += ms
    },
    close: () => store.close(),
  }
}

export async function openPostgres(): Promise<Harness> {
  const database = await createTestDatabase({ migrate: false })
  let offset = 0
  const store = postgresStore({ pool: database.pool, now: () => startOfTests + offset })
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
}

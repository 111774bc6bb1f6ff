import { createTestDatabase, type TestDatabase } from '../../../../../testing/postgres.ts'
import {
  type MovableStore,
  memoryStore,
  movableStore,
  postgresStore,
  type Store,
} from '../../../src/index.ts'
import type { Harness } from '../conformance.ts'

/** Far from the real time, so that a store which reads another clock than the one it was given is found out. */
const startOfTests = 1_800_000_000_000

/** Jobs in PostgreSQL or in memory, to be moved to the other. */
export async function openMovable(first: 'postgres' | 'memory'): Promise<Harness> {
  const database = await createTestDatabase({ migrate: false })
  let offset = 0
  const now = () => startOfTests + offset
  const store = movableStore({
    stores: { postgres: postgresStore({ pool: database.pool, now }), memory: memoryStore({ now }) },
    pool: database.pool,
    first,
  })
  await store.migrate()
  await store.migrate()
  return {
    store,
    expire: async (worker) => {
      await store.heartbeat(worker, -1)
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

/** Another process, as far as the stores can tell: with its own PostgreSQL store and its own idea of where the jobs are. */
export function anotherProcess(database: TestDatabase, memory: Store): MovableStore {
  return movableStore({
    stores: { postgres: postgresStore({ connectionString: database.url }), memory },
    connectionString: database.url,
  })
}

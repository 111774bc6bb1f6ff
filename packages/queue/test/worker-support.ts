import { afterEach } from 'vitest'
import { createTestDatabase } from '../../../testing/postgres.ts'
import {
  createQueue,
  memoryStore,
  postgresStore,
  type Queue,
  type QueueOptions,
  type Store,
} from '../src/index.ts'

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

export interface TestJobs {
  /** A queue of its own on the same jobs, as another process would have; `through`: what stands between it and the store. */
  open(options?: Omit<QueueOptions, 'store'>, through?: (store: Store) => Store): Promise<Queue>
  rows(table: string): Promise<number>
}

export interface TestJobsOptions {
  now?: () => number
  quotas?: { maxJobs?: number; maxBytes?: number }
}

export const kinds = ['memory', 'postgres'] as const

export async function openJobs(
  kind: (typeof kinds)[number],
  options: TestJobsOptions = {},
): Promise<TestJobs> {
  const database = kind === 'postgres' ? await createTestDatabase({ migrate: false }) : undefined
  if (database) closers.push(() => database.drop())
  const shared = memoryStore(options)
  const openStore = (): Store =>
    database ? postgresStore({ connectionString: database.url, ...options }) : shared
  return {
    async open(queueOptions = {}, through = (store) => store) {
      const queue = createQueue({ store: through(openStore()), ...queueOptions })
      await queue.migrate()
      closers.push(() => queue.close())
      return queue
    },
    async rows(table) {
      if (!database) return 0
      const { rows } = await database.pool.query(`select count(*)::int as count from fairway_queue.${table}`)
      return rows[0].count
    },
  }
}

export const turn = () => new Promise((resolve) => setTimeout(resolve, 1))

export const lanes = { work: {} }
export const job = (tenant: string, data: unknown, more = {}) => ({
  lane: 'work',
  tenant,
  name: 'job',
  data,
  ...more,
})

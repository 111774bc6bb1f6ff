import { Logger, makeWorkerUtils, run } from 'graphile-worker'
import pg from 'pg'
import type { Payload } from './payload.ts'
import type { System } from './system.ts'

const silent = new Logger(() => () => {})
/** Those of the maintainers' own `perfTest`: claims and completions in batches. */
const noOp = { concurrentJobs: 24, localQueueSize: 500 }

export async function openGraphile(url: string): Promise<System> {
  const pool = new pg.Pool({ connectionString: url, max: noOp.concurrentJobs + 1 })
  pool.on('error', () => {})
  pool.on('connect', (client) => void client.on('error', () => {}))
  const utils = await makeWorkerUtils({ pgPool: pool, logger: silent })
  await utils.migrate()
  return {
    async addMany(jobs) {
      await utils.addJobs(jobs.map(({ data }) => ({ identifier: 'job', payload: data })))
    },
    async add({ data }) {
      await utils.addJob('job', data)
    },
    async work(handle, { concurrency }) {
      const { concurrentJobs, localQueueSize } =
        concurrency === 'no-op' ? noOp : { concurrentJobs: concurrency, localQueueSize: concurrency + 1 }
      const runner = await run({
        pgPool: pool,
        logger: silent,
        noHandleSignals: true,
        parsedCronItems: [],
        taskList: { job: (payload) => handle(payload as Payload) },
        preset: {
          worker: {
            concurrentJobs,
            localQueue: { size: localQueueSize, refetchDelay: { durationMs: 10 } },
            completeJobBatchDelay: 0,
            failJobBatchDelay: 0,
          },
        },
      })
      return () => runner.stop()
    },
    async left() {
      const { rows } = await pool.query('select count(*)::int as jobs from graphile_worker._private_jobs')
      return rows[0].jobs
    },
    async close() {
      await utils.release()
      await pool.end()
    },
  }
}

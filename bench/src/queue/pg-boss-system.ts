import pg from 'pg'
import { PgBoss } from 'pg-boss'
import type { BenchJob, Payload } from './payload.ts'
import type { System } from './system.ts'

const queue = 'bench'
/** Its default fetches one job every two seconds; with batches that follow each other at once it is hundreds of times as fast. */
const noOp = { batchSize: 500, localConcurrency: 4 }
/** Where handlers take their time, small batches, because a batch waits for its slowest job. */
const slowBatchSize = 20

/** `grouped`: each tenant is a group, and no group may have more than half of the slots. */
export async function openPgBoss(url: string, grouped: boolean): Promise<System> {
  const toJob = ({ data }: BenchJob) => (grouped ? { data, group: { id: data.tenant } } : { data })
  const boss = new PgBoss({ connectionString: url, max: 40, schedule: false, useListenNotify: true })
  boss.on('error', () => {})
  await boss.start()
  await boss.createQueue(queue, { partition: true })
  const pool = new pg.Pool({ connectionString: url, max: 1 })
  return {
    async addMany(jobs) {
      await boss.insert(queue, jobs.map(toJob))
    },
    async add(job) {
      const { data, ...options } = toJob(job)
      await boss.send(queue, data, options)
    },
    async work(handle, { concurrency }) {
      // NOTIFY wakes workers at once, but makes commits wait for each other: only where it is about latency.
      if (concurrency !== 'no-op') await boss.updateQueue(queue, { notify: true })
      const batches =
        concurrency === 'no-op'
          ? noOp
          : { batchSize: slowBatchSize, localConcurrency: Math.ceil(concurrency / slowBatchSize) }
      await boss.work<Payload>(
        queue,
        {
          ...batches,
          ...(grouped && concurrency !== 'no-op' && { groupConcurrency: Math.ceil(concurrency / 2) }),
          burstWhenBatchFull: true,
          pollingIntervalSeconds: 0.5,
          notifyPollingIntervalSeconds: 0.5,
        },
        async (jobs) => {
          const waits = []
          for (const { data } of jobs) {
            const wait = handle(data)
            if (wait) waits.push(wait)
          }
          if (waits.length > 0) await Promise.all(waits)
        },
      )
      return () => boss.offWork(queue, { wait: true })
    },
    async left() {
      const { rows } = await pool.query(
        `select count(*)::int as jobs from pgboss.job where name = $1 and state < 'completed'`,
        [queue],
      )
      return rows[0].jobs
    },
    async close() {
      await boss.stop()
      await pool.end()
    },
  }
}

import { Queue, Worker } from 'bullmq'
import type { BenchJob, Payload } from './payload.ts'
import type { System } from './system.ts'

const noOpConcurrency = 50

/**
 * BullMQ with what its guides advise: finished jobs are removed at once (by default they are kept for ever), handlers run
 * many at a time, `maxRetriesPerRequest: null`. It has no tenants without BullMQ Pro: one queue for all.
 */
export async function openBullmq(url: string): Promise<System> {
  const { hostname: host, port } = new URL(url)
  const connection = { host, port: Number(port), maxRetriesPerRequest: null }
  const queue = new Queue<Payload>('bench', {
    connection,
    defaultJobOptions: { removeOnComplete: true, removeOnFail: true },
  })
  await queue.waitUntilReady()
  return {
    async addMany(jobs: BenchJob[]) {
      await queue.addBulk(jobs.map(({ data }) => ({ name: 'job', data })))
    },
    async add({ data }) {
      await queue.add('job', data)
    },
    async work(handle, { concurrency }) {
      const worker = new Worker<Payload>('bench', async (job) => handle(job.data), {
        connection,
        concurrency: concurrency === 'no-op' ? noOpConcurrency : concurrency,
      })
      await worker.waitUntilReady()
      return () => worker.close()
    },
    async left() {
      const counts = await queue.getJobCounts('waiting', 'active', 'delayed', 'prioritized', 'failed')
      return Object.values(counts).reduce((sum, count) => sum + count, 0)
    },
    close: () => queue.close(),
  }
}

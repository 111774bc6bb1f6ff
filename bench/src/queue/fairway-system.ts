import { createQueue, postgresStore } from '@fairway/queue'
import { type BenchJob, benchLane, type Payload } from './payload.ts'
import type { System } from './system.ts'

const noOpConcurrency = 64

export async function openFairway(url: string): Promise<System> {
  const queue = createQueue({ store: postgresStore({ connectionString: url }) })
  await queue.migrate()
  const toInput = ({ lane, tenant, data }: BenchJob) => ({ lane, tenant, name: 'job', data })
  return {
    async addMany(jobs) {
      await queue.addMany(jobs.map(toInput))
    },
    async add(job) {
      await queue.add(toInput(job))
    },
    async work(handle, { concurrency, lanes = { [benchLane]: {} } }) {
      const worker = queue.worker(
        { job: (job) => handle(job.data as Payload) },
        { lanes, concurrency: concurrency === 'no-op' ? noOpConcurrency : concurrency },
      )
      return () => worker.close()
    },
    async left() {
      const lanes = await queue.stats()
      return lanes.reduce((sum, lane) => sum + lane.waitingJobs + lane.scheduledJobs + lane.leasedJobs, 0)
    },
    close: () => queue.close(),
  }
}

/** A worker process that the crash test kills: notes every run in a file, then lets the queue settle the job. */
import { appendFileSync } from 'node:fs'
import { createQueue } from '../../../src/create-queue.ts'
import { dynamodbStore } from '../../../src/stores/dynamodb/dynamodb-store.ts'

const [endpoint, table, file] = process.argv.slice(2) as [string, string, string]
const queue = createQueue({ store: dynamodbStore({ table, endpoint }) })
queue.worker(
  {
    job: {
      batch: (jobs) => appendFileSync(file, jobs.map((job) => `${job.data}\n`).join('')),
      maxBatch: 20,
    },
  },
  { lanes: { work: {} }, concurrency: 4, leaseMs: 1_500 },
)
process.send?.('ready')

/** A worker process that the test of moves kills: notes every run in a file, then lets the queue settle the job. */
import { appendFileSync } from 'node:fs'
import { dynamodbStore } from '../../../src/dynamodb.ts'
import { createQueue, movableStore, postgresStore } from '../../../src/index.ts'

const [url, endpoint, table, file] = process.argv.slice(2) as [string, string, string, string]
const store = movableStore({
  stores: {
    postgres: postgresStore({ connectionString: url }),
    dynamodb: dynamodbStore({ table, endpoint, shards: 4 }),
  },
  connectionString: url,
})
const queue = createQueue({ store })
await queue.migrate()
queue.worker(
  {
    job: {
      batch: (jobs) =>
        appendFileSync(
          file,
          jobs.map(({ tenant, key, data }) => `${tenant} ${key ?? '-'} ${data}\n`).join(''),
        ),
      maxBatch: 20,
    },
  },
  { lanes: { work: {} }, concurrency: 4, leaseMs: 1_500 },
)
process.send?.('ready')

/** A worker process that the crash test kills: notes every run in a table, then lets the queue settle the job. */
import pg from 'pg'
import { createQueue, postgresStore } from '../../src/index.ts'

const connectionString = process.argv[2]!
const pool = new pg.Pool({ connectionString, max: 4 })
pool.on('error', () => {})
const queue = createQueue({ store: postgresStore({ connectionString }) })
queue.worker(
  {
    job: {
      batch: async (jobs) => {
        await pool.query('insert into runs (id) select unnest($1::int[])', [jobs.map((job) => job.data)])
      },
      maxBatch: 20,
    },
  },
  { lanes: { work: {} }, concurrency: 4, leaseMs: 1_500 },
)
process.send?.('ready')

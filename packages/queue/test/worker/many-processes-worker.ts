/** One of many worker processes: notes every run with its pid. */
import pg from 'pg'
import { createQueue, postgresStore } from '../../src/index.ts'

const connectionString = process.argv[2]!
const pool = new pg.Pool({ connectionString, max: 2 })
pool.on('error', () => {})
const queue = createQueue({ store: postgresStore({ connectionString }) })
queue.worker(
  {
    job: {
      batch: async (jobs) => {
        // Long enough that no process can take everything before the others have asked.
        await new Promise((resolve) => setTimeout(resolve, 20))
        await pool.query('insert into runs (id, pid) select unnest($1::int[]), $2', [
          jobs.map((job) => job.data),
          process.pid,
        ])
      },
      maxBatch: 5,
    },
  },
  { lanes: { work: {} }, concurrency: 2, leaseMs: 1_500 },
)
process.send?.('ready')

/** A worker under a supervisor with one job that hangs it. Arguments: the database's url. */
import { createQueue, type Job, postgresStore } from '@fairway/queue'
import pg from 'pg'
import { beatMs, type FromProcess, type ToProcess } from '../../../src/platform/processes/messages.ts'

const url = process.argv[2]!
const pool = new pg.Pool({ connectionString: url, max: 4 })
const queue = createQueue({ store: postgresStore({ connectionString: url }) })
const tell = (message: FromProcess) => process.send!(message)

process.on('disconnect', () => process.exit(1))
process.on('message', ({ kind }: ToProcess) => {
  if (kind === 'stop') process.exit(0)
})
setInterval(
  () => tell({ kind: 'beat', vitals: { residentBytes: 1, heapUsedBytes: 1, loopDelaySeconds: 0 } }),
  beatMs,
)
await queue.migrate()
queue.worker(
  {
    poison() {
      for (;;) Math.random()
    },
    async good(job: Job) {
      await pool.query('insert into done (id) values ($1)', [job.id])
    },
  },
  { lanes: { work: {} }, leaseMs: 1_000, concurrency: 4 },
)
tell({ kind: 'ready' })

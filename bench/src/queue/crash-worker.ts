/**
 * Works, and writes down when a job starts and ends, and when its end is stored. Arguments: database, directory of the logs. Ends with
 * its parent, or by `kill -9`.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { createQueue, postgresStore } from '@fairway/queue'
import { lane, leaseMs } from './crash-jobs.ts'
import { openLog } from './crash-log.ts'
import { watchEnds } from './watch-ends.ts'

const [url, directory] = process.argv.slice(2) as [string, string]
const store = postgresStore({ connectionString: url })
const log = openLog(directory)
/** Together the workers can do little more than what is added, so that each kill finds many jobs in their hands. */
const maxMs = 30

watchEnds(store, log)
const queue = createQueue({ store })
queue.worker(
  {
    job: async (job) => {
      log('started', job.data as number)
      await sleep(Math.random() * maxMs)
      log('ended', job.data as number)
    },
  },
  // A job may well be in the hands of many killed workers: it must not be given up for that.
  { lanes: { [lane]: {} }, concurrency: 8, leaseMs, retry: { maxAttempts: 1_000 } },
)
process.once('disconnect', () => process.exit(0))
process.send!('ready')

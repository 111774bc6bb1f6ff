/**
 * Works, and writes down when each job starts and ends. Arguments: database, directory of the logs, settings as JSON. Says
 * ten times a second how many jobs of the attack ended well. Ends with its parent, or by `kill -9`.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { createQueue, type Job, type JobContext, postgresStore } from '@fairway/queue'
import { openLog } from '../crash-log.ts'
import { watchEnds } from '../watch-ends.ts'
import { type Data, lane, numbersPerSource } from './jobs.ts'

export interface Settings {
  slots: number
  leaseMs: number
  explain: boolean
}

const [url, logs, settings] = process.argv.slice(2) as [string, string, string]
const { slots, leaseMs, explain }: Settings = JSON.parse(settings)
const rateLimitedMs = 500
const reportEveryMs = 100

const store = postgresStore({ connectionString: url })
const log = openLog(logs)
if (explain) watchEnds(store, log)
const queue = createQueue({ store })
let wellAgain = false
let ended = 0

/** `fail`: what the handler throws while things are not well. */
const handler =
  (fail?: (context: JobContext) => unknown) =>
  async (job: Job, context: JobContext): Promise<void> => {
    const { n, ms } = job.data as Data
    log('started', n)
    try {
      await sleep(ms, undefined, { signal: context.signal })
      if (fail && !wellAgain) throw fail(context)
    } catch (error) {
      log('failed', n)
      throw error
    }
    log('ended', n)
    if (n >= numbersPerSource) ended++
  }

queue.worker(
  {
    job: handler(),
    throws: handler(() => new Error('the provider says no')),
    rateLimited: handler((context) => context.rateLimited(rateLimitedMs)),
  },
  {
    lanes: { [lane]: {} },
    concurrency: slots,
    leaseMs,
    // Nothing may die of an attack that ends, and what is tried again soon makes the worse storm.
    retry: { maxAttempts: 1_000, maxMs: 2_000 },
  },
)
setInterval(() => process.send?.({ ended }), reportEveryMs)
process.on('message', () => (wellAgain = true))
process.once('disconnect', () => process.exit(0))
process.send!('ready')

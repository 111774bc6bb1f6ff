/**
 * Adds the jobs of one source, and writes down what was asked for and what was promised. Arguments: database, directory of
 * the logs, number of the first job, the source as JSON. Starts and stops when told to; says when all is added.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { createQueue, postgresStore, QueueOverloaded } from '@fairway/queue'
import { openLog } from '../crash-log.ts'
import { makeJob } from './jobs.ts'
import type { Source } from './scenario.ts'

const [url, logs, first, source] = process.argv.slice(2) as [string, string, string, string]
/** Infinity is not known to JSON. */
const jobs: Source = { ...JSON.parse(source), jobs: JSON.parse(source).jobs ?? Number.POSITIVE_INFINITY }
const queue = createQueue({ store: postgresStore({ connectionString: url }) })
// Measures the store's clock, which due times follow.
await queue.migrate()
const log = openLog(logs)

/** More at once would change the order of keys. */
const batchesAtOnce = jobs.keys ? 1 : 4
const maxUnderWay = 5_000

let next = 0
let stored = 0
let stopped = false
let runAt: Date | undefined

async function add(from: number, count: number): Promise<void> {
  const numbers = Array.from({ length: count }, (_, index) => Number(first) + from + index)
  const inputs = numbers.map((n) => makeJob(jobs, Number(first), n - Number(first), runAt))
  log('asked', ...numbers)
  for (;;)
    try {
      await (count === 1 ? queue.add(inputs[0]!) : queue.addMany(inputs))
      log('resolved', ...numbers)
      stored += count
      return
    } catch (error) {
      if (error instanceof QueueOverloaded) {
        await sleep(error.retryAfterMs)
        continue
      }
      log('refused', ...numbers)
      // The store is away.
      return sleep(200)
    }
}

async function trickle(): Promise<void> {
  const underWay = new Set<Promise<void>>()
  let at = performance.now()
  while (!stopped && next < jobs.jobs) {
    at += (Math.random() * 2_000) / jobs.perSecond!
    await sleep(Math.max(0, at - performance.now()))
    if (underWay.size > maxUnderWay) continue
    const adding = add(next++, 1).finally(() => underWay.delete(adding))
    underWay.add(adding)
  }
  await Promise.all(underWay)
}

async function pour(): Promise<void> {
  const startedAt = performance.now()
  while (!stopped && next < jobs.jobs) {
    const from = next
    const count = Math.min(jobs.batch ?? 1_000, jobs.jobs - from)
    next += count
    if (jobs.perSecond)
      await sleep(Math.max(0, startedAt + (from / jobs.perSecond) * 1_000 - performance.now()))
    await add(from, count)
  }
}

process.on('message', async (message: 'stop' | { dueAt?: number }) => {
  if (message === 'stop') {
    stopped = true
    return
  }
  if (message.dueAt) runAt = new Date(message.dueAt)
  await (jobs.single ? trickle() : Promise.all(Array.from({ length: batchesAtOnce }, pour)))
  process.send!({ stored })
})
process.once('disconnect', () => process.exit(0))
process.send!('ready')

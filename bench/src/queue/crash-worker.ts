/**
 * Works, and writes down when a job starts and ends, and when its end is stored. Arguments: database, directory of the logs. Ends with
 * its parent, or by `kill -9`.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { createQueue, postgresStore } from '@fairway/queue'
import { idPattern, lane, leaseMs } from './crash-jobs.ts'
import { openLog } from './crash-log.ts'

const [url, directory] = process.argv.slice(2) as [string, string]
const store = postgresStore({ connectionString: url })
const log = openLog(directory)
/** Together the workers can do little more than what is added, so that each kill finds many jobs in their hands. */
const longestMs = 30

interface PageKey {
  lease: number
  lane: string
  tenant: string
  stream?: string
  seq: number
}
const keyOf = ({ lease, lane, tenant, stream, seq }: PageKey) =>
  [lease, lane, tenant, stream, seq].join('\u0000')

const jobsIn = (body: string) => [...body.matchAll(idPattern)].map(([, n]) => Number(n))

// The queue tells nobody when an end is stored, so we listen between it and its store: what was claimed is kept here, by
// page, until a settlement that names the page is confirmed.
const held = new Map<string, number[]>()
const claim = store.claim.bind(store)
store.claim = async (...request) => {
  const pages = await claim(...request)
  for (const page of pages) {
    const jobs = jobsIn(page.body)
    held.set(keyOf(page), jobs)
    log('claimed', ...jobs)
  }
  return pages
}

const settle = store.settle.bind(store)
store.settle = async (settlement) => {
  const leases = await settle(settlement)
  // Their old page is finished, they are not.
  const toRunAgain = new Set(settlement.reschedule.flatMap(({ body }) => jobsIn(body)))
  for (const page of settlement.partial)
    if (leases.has(page.lease))
      log('acknowledged', ...page.positions.map((position) => held.get(keyOf(page))![position]!))
  for (const page of settlement.finished) {
    const key = keyOf(page)
    if (leases.has(page.lease)) log('acknowledged', ...held.get(key)!.filter((n) => !toRunAgain.has(n)))
    held.delete(key)
  }
  return leases
}

const queue = createQueue({ store })
queue.worker(
  {
    job: async (job) => {
      log('started', job.data as number)
      await sleep(Math.random() * longestMs)
      log('ended', job.data as number)
    },
  },
  // A job may well be in the hands of many killed workers: it must not be given up for that.
  { lanes: { [lane]: {} }, concurrency: 8, leaseMs, retry: { maxAttempts: 1_000 } },
)
process.once('disconnect', () => process.exit(0))
process.send!('ready')

/**
 * Adds a steady stream of jobs, one by one, and works them off with a handler that does nothing. Arguments: database, jobs
 * a second. Answers each message with what happened since the one before. Ends with its parent.
 */
import { createQueue, postgresStore } from '@fairway/queue'
import { percentile } from '../statistics.ts'

const [url, perSecond] = process.argv.slice(2) as [string, string]
const lane = 'churn'
const tenants = 20
const tickMs = 10
/** Adds pile up to here while the database is slow; what is beyond is left out, and missing in `jobs`. */
const maxUnderWay = 5_000

export interface Churned {
  /** Handler calls. */
  jobs: number
  /** From the call of `add` until the handler started, ms. */
  dwellP50: number
  dwellP99: number
  refused: number
}

const queue = createQueue({ store: postgresStore({ connectionString: url }) })
await queue.migrate()
let dwells: number[] = []
let refused = 0
queue.worker(
  {
    job: (job) => {
      dwells.push(performance.now() - (job.data as number))
    },
  },
  { lanes: { [lane]: {} } },
)

let added = 0
let underWay = 0
const startedAt = performance.now()
setInterval(() => {
  const wanted = ((performance.now() - startedAt) * Number(perSecond)) / 1_000
  for (; added < wanted; added++) {
    if (underWay >= maxUnderWay) continue
    underWay++
    queue
      .add({ lane, tenant: `tenant-${added % tenants}`, name: 'job', data: performance.now() })
      .catch(() => refused++)
      .finally(() => underWay--)
  }
}, tickMs)

process.on('message', () => {
  process.send!({
    jobs: dwells.length,
    dwellP50: percentile(dwells, 50),
    dwellP99: percentile(dwells, 99),
    refused,
  } satisfies Churned)
  dwells = []
  refused = 0
})
process.once('disconnect', () => process.exit(0))
process.send!('ready')

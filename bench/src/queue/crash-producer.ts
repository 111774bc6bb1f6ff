/**
 * Adds jobs steadily, in each of the ways there are, and writes down what was asked for and what was promised. Arguments:
 * database, directory of the logs, number of the first job. Ends when told to.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { createQueue, type JobInput, postgresStore } from '@fairway/queue'
import { jobId, lane } from './crash-jobs.ts'
import { openLog } from './crash-log.ts'

const [url, directory, first] = process.argv.slice(2) as [string, string, string]
const queue = createQueue({ store: postgresStore({ connectionString: url }) })
const log = openLog(directory)

const tickMs = 10
const tenants = 10
/** While the database is away adds pile up to here. */
const maxUnderWay = 100

let next = Number(first)
let adding = true
const underWay = new Set<Promise<void>>()

function add(count: number, more: Partial<JobInput> = {}): void {
  const tenant = `tenant-${next % tenants}`
  const numbers = Array.from({ length: count }, () => next++)
  log('asked', ...numbers)
  const jobs = numbers.map((n) => ({ lane, tenant, name: 'job', data: n, id: jobId(n), ...more }))
  const added = (count === 1 ? queue.add(jobs[0]!) : queue.addMany(jobs)).then(
    () => 'resolved' as const,
    () => 'refused' as const,
  )
  const logged = added.then((end) => {
    log(end, ...numbers)
    underWay.delete(logged)
  })
  underWay.add(logged)
}

process.once('message', () => (adding = false))
process.once('disconnect', () => process.exit(0))
process.send!('ready')
while (adding) {
  await sleep(tickMs)
  if (underWay.size > maxUnderWay) continue
  for (let single = 0; single < 4; single++) add(1)
  add(5)
  add(1, { delayMs: Math.random() * 500 })
}
await Promise.all(underWay)
await queue.close()
process.disconnect()

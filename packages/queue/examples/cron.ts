/** A job every second and one at nine on weekdays. However many processes run this, each time fires once. */
import { createQueue, memoryStore, postgresStore } from '@fairway/queue'

const connectionString = process.env.DATABASE_URL
const queue = createQueue({ store: connectionString ? postgresStore({ connectionString }) : memoryStore() })
await queue.migrate()

let ticks = 0
const done = new Promise<void>((resolve) => {
  queue.worker(
    {
      tick: (job) => {
        console.log('tick', job.id)
        if (++ticks === 3) resolve()
      },
      report: () => console.log('the morning report'),
    },
    { lanes: { clock: {} } },
  )
})

const job = { lane: 'clock', tenant: 'acme', data: null }
await queue.schedule('every-second', { everyMs: 1_000, job: { ...job, name: 'tick' } })
await queue.schedule('weekday-mornings', {
  cron: '0 9 * * 1-5',
  timezone: 'Europe/Berlin',
  job: { ...job, name: 'report' },
})
for (const { id, nextAt } of await queue.schedules()) console.log(id, 'next at', nextAt.toISOString())

await done
await queue.unschedule('every-second')
await queue.unschedule('weekday-mornings')
await queue.close()

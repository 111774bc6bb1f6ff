/** A tenant that may start 20 jobs a second, and a provider that asks for a pause in the middle. */
import { createQueue, memoryStore, postgresStore } from '@fairway/queue'

const connectionString = process.env.DATABASE_URL
const queue = createQueue({ store: connectionString ? postgresStore({ connectionString }) : memoryStore() })
await queue.migrate()
await queue.set('acme', { rate: 20 })

let calls = 0
let left = 30
const startedAt = performance.now()
const since = () => `${((performance.now() - startedAt) / 1_000).toFixed(2)} s`

const done = new Promise<void>((resolve) => {
  queue.worker(
    {
      call: (job, context) => {
        // As if the provider had answered 429: nothing of the tenant starts for a second, then this job runs again.
        if (++calls === 10) {
          console.log(since(), 'the provider asks for a pause of one second')
          throw context.rateLimited(1_000)
        }
        console.log(since(), 'job', job.data)
        if (--left === 0) resolve()
      },
    },
    { lanes: { api: {} } },
  )
})
await queue.addMany(
  Array.from({ length: 30 }, (_, n) => ({ lane: 'api', tenant: 'acme', name: 'call', data: n })),
)
await done
await queue.set('acme', { rate: null })
await queue.close()

/** Jobs of one key run one at a time, in order, retries included; different keys run beside each other. */
import { setTimeout as sleep } from 'node:timers/promises'
import { createQueue, memoryStore, postgresStore } from '@fairway/queue'

const connectionString = process.env.DATABASE_URL
const queue = createQueue({ store: connectionString ? postgresStore({ connectionString }) : memoryStore() })
await queue.migrate()

let left = 9
const done = new Promise<void>((resolve) => {
  const worker = queue.worker(
    {
      change: async (job) => {
        await sleep(20)
        // The second change of order B fails once: the third one waits until it has succeeded.
        if (job.key === 'order-B' && job.data === 2 && job.attempt === 1) throw new Error('try again')
        console.log(`${job.key}: change ${job.data}, attempt ${job.attempt}`)
      },
    },
    { lanes: { orders: {} }, retry: { baseMs: 200 } },
  )
  worker.on('retried', (job, error) => console.log(`${job.key}: change ${job.data} failed:`, String(error)))
  worker.on('completed', () => --left === 0 && resolve())
})

const keys = ['order-A', 'order-B', 'order-C']
await queue.addMany(
  [1, 2, 3].flatMap((change) =>
    keys.map((key) => ({ lane: 'orders', tenant: 'acme', key, name: 'change', data: change })),
  ),
)
await done
await queue.close()

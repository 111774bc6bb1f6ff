/** One job in, one job done. In memory, or in PostgreSQL when DATABASE_URL is set. */
import { createQueue, memoryStore, postgresStore } from '@fairway/queue'

const connectionString = process.env.DATABASE_URL
const queue = createQueue({ store: connectionString ? postgresStore({ connectionString }) : memoryStore() })
await queue.migrate()

const done = new Promise<void>((resolve) => {
  const worker = queue.worker(
    { send: async (job) => console.log(`to ${job.tenant}:`, job.data, `attempt ${job.attempt}`) },
    { lanes: { mail: {} } },
  )
  worker.on('completed', () => resolve())
})

// Resolves after the commit: from here on the job survives a crash (of everything but a memory store).
const { id } = await queue.add({
  lane: 'mail',
  tenant: 'acme',
  name: 'send',
  data: { to: 'ada@example.com' },
})
console.log('added', id)

await done
await queue.close()

/** One tenant floods 5,000 jobs; another adds one every 50 ms. Prints how long the jobs of each waited. */
import { setTimeout as sleep } from 'node:timers/promises'
import { createQueue, memoryStore, postgresStore } from '@fairway/queue'

const connectionString = process.env.DATABASE_URL
const queue = createQueue({ store: connectionString ? postgresStore({ connectionString }) : memoryStore() })
await queue.migrate()

const dwell: Record<string, number[]> = { flood: [], quiet: [] }
const job = (tenant: string) => ({ lane: 'work', tenant, name: 'step', data: null })

await queue.addMany(Array.from({ length: 5_000 }, () => job('flood')))
queue.worker(
  { step: () => sleep(5) },
  { lanes: { work: {} }, concurrency: 16, observe: ({ tenant, dwellMs }) => dwell[tenant]?.push(dwellMs) },
)

for (let count = 0; count < 20; count++) {
  await sleep(50)
  await queue.add(job('quiet'))
}
while (dwell.quiet!.length < 20) await sleep(10)

for (const [tenant, times] of Object.entries(dwell)) {
  const sorted = times.toSorted((a, b) => a - b)
  const at = (share: number) => `${Math.round(sorted[Math.floor((sorted.length - 1) * share)] ?? 0)} ms`
  console.log(`${tenant}: ${times.length} jobs ran; waited ${at(0.5)} in the middle, ${at(1)} at most`)
}
await queue.purgeTenant('flood')
await queue.close()

import { isCanary } from '../http/canary.ts'
import { table } from './table.ts'
import { withApp } from './with-app.ts'

export async function queueStatsCommand({ json }: { json?: boolean }): Promise<void> {
  const all = await withApp((app) => app.queue.stats())
  const lanes = all.filter(({ lane }) => !isCanary(lane))
  if (json) return console.log(JSON.stringify({ lanes }))
  if (lanes.length === 0) return console.log('The queue is empty.')
  console.log(
    table(
      ['lane', 'waiting', 'scheduled', 'running', 'dead', 'projects', 'oldest'],
      lanes.map((lane) => [
        lane.lane,
        lane.waitingJobs,
        lane.scheduledJobs,
        lane.leasedJobs,
        lane.deadJobs,
        lane.tenants,
        `${(lane.oldestAgeMs / 1_000).toFixed(1)} s`,
      ]),
    ),
  )
}

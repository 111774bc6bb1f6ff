import type { LossLimits } from '../store.ts'
import type { Cluster } from './cluster/cluster.ts'
import type { Sessions } from './cluster/sessions.ts'
import { forgetAnswers } from './shard/collecting.ts'
import { takeBack, workersOf } from './shard/returning.ts'

/**
 * Ends sessions that are silent for longer than their lease, then gives back what ended sessions hold in the shards of this
 * process. A session that is gone cannot come back, so whoever finds it gone may return its work.
 */
export async function reap(cluster: Cluster, sessions: Sessions, limits: LossLimits): Promise<number> {
  const { living, silent } = cluster.observer.observe(await sessions.list())
  const there = new Set(living.map(({ worker }) => worker))
  for (const session of silent) await sessions.end(session)
  const alive = new Map<number, Promise<boolean>>()
  const isAlive = async (worker: number) => {
    if (there.has(worker)) return true
    // Opened since the list was read, or gone.
    let known = alive.get(worker)
    if (!known) alive.set(worker, (known = sessions.exists(worker)))
    return known
  }
  let jobs = 0
  for (const shard of [...cluster.owned.values()]) {
    for (const worker of workersOf(shard))
      if (!(await isAlive(worker))) jobs += await takeBack(shard, worker, limits)
    forgetAnswers(shard.state, there)
  }
  return jobs
}

import { setTimeout as sleep } from 'node:timers/promises'
import { quick } from '../../report.ts'
import type { Scenario } from './scenario.ts'
import { count, sized } from './sizes.ts'

const tenants = 5
const jobs = sized(400_000, 80_000)
const rounds = Math.ceil(sized(8, 1))
const pauseMs = quick ? 1_500 : 3_000
const leaseMs = 2_000

/** Each round: one worker, PostgreSQL, the other worker. */
export const kills: Scenario = {
  about:
    `${count(jobs)} jobs of 10 ms of ${tenants} tenants, and 20 keys of another; meanwhile ${2 * rounds} × kill -9 of a worker ` +
    `and ${rounds} × immediate shutdown and start of PostgreSQL; leases of ${leaseMs / 1_000} s`,
  leaseMs,
  explain: true,
  attack: [
    { prefix: 'flood', tenants, jobs, ms: 10, steady: true },
    { prefix: 'ordered', tenants: 1, jobs: Math.round(jobs / 40), ms: 10, keys: 20 },
  ],
  async during(stage) {
    for (let round = 0; round < rounds; round++) {
      await sleep(pauseMs)
      await stage.killWorker()
      await sleep(pauseMs)
      await stage.restartPostgres()
      await sleep(pauseMs)
      await stage.killWorker()
    }
  },
}

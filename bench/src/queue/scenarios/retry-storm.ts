import { setTimeout as sleep } from 'node:timers/promises'
import type { Scenario } from './scenario.ts'
import { count, sized } from './sizes.ts'

const jobs = sized(200_000, 20_000)
const limited = jobs / 10
const stormSeconds = sized(60, 10)

/** Providers are away: one tenant's handler throws, the one of another asks for a pause. Then all is well again. */
export const retryStorm: Scenario = {
  about: `${count(jobs)} jobs of one tenant fail and ${count(limited)} of another are rate limited, for ${stormSeconds} s; 10 ms each`,
  attack: [
    { prefix: 'failing', tenants: 1, jobs, ms: 10, ending: 'throws' },
    { prefix: 'limited', tenants: 1, jobs: limited, ms: 10, ending: 'rateLimited' },
  ],
  async during(stage) {
    await sleep(stormSeconds * 1_000)
    stage.allIsWell()
  },
}

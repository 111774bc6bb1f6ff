import type { Scenario } from './scenario.ts'
import { count, sized } from './sizes.ts'

const keys = 1_000
const jobs = sized(100_000, 10_000)
const ordinary = 9

/** If each key counted as a tenant, one tenant would have 99 % of all. */
export const manyKeys: Scenario = {
  about: `one tenant splits ${count(jobs)} jobs of 10 ms over ${count(keys)} keys; ${ordinary} others have as many without`,
  attack: [
    { prefix: 'splitter', tenants: 1, jobs, ms: 10, keys, steady: true },
    { prefix: 'ordinary', tenants: ordinary, jobs: jobs * ordinary, ms: 10, steady: true },
  ],
}

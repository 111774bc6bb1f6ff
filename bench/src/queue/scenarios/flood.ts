import type { Scenario } from './scenario.ts'
import { count, sized } from './sizes.ts'

const jobs = sized(1_000_000, 60_000)

export const flood: Scenario = {
  about: `one tenant floods ${count(jobs)} jobs of 10 ms`,
  attack: [{ prefix: 'flood', tenants: 1, jobs, ms: 10 }],
}

import type { Scenario } from './scenario.ts'
import { count, sized } from './sizes.ts'

const jobs = sized(20_000, 2_000)

export const giantPayloads: Scenario = {
  about: `one tenant adds ${count(jobs)} jobs of 10 ms with 1 KB to 1 MB of data each`,
  attack: [{ prefix: 'giant', tenants: 1, jobs, ms: 10, bytes: [1_000, 1_000_000], batch: 10 }],
}

import { type Scenario, slots } from './scenario.ts'
import { count, sized } from './sizes.ts'

const ms = sized(30_000, 3_000)
/** Each slot three times. */
const jobs = 3 * slots

/** The tenant takes all slots that it can get, when nobody else wants them. */
export const slowJobs: Scenario = {
  about: `one tenant adds ${jobs} jobs of ${count(ms / 1_000)} s`,
  attack: [{ prefix: 'slow', tenants: 1, jobs, ms }],
}

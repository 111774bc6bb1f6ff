import type { Scenario } from './scenario.ts'
import { count, sized } from './sizes.ts'

const noisy = 20
const jobs = sized(50_000, 5_000) * noisy

/** Of 200 tenants a tenth. */
export const noisyTenants: Scenario = {
  about: `20 of 200 tenants flood ${count(jobs)} jobs of 10 ms together`,
  quietTenants: 180,
  attack: [{ prefix: 'noisy', tenants: noisy, jobs, ms: 10, steady: true }],
}

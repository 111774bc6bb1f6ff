import type { Scenario } from './scenario.ts'
import { count, sized } from './sizes.ts'

const together = 1_000
const tenants = Math.round(sized(100_000, 10_000) / together) * together
const perTenant = 3
/**
 * Less than the workers can do: of more than that a quiet tenant's fair share, one of some thousands, would be less than the
 * little it wants.
 */
const perSecond = 1_500

export const churningTenants: Scenario = {
  about: `${count(tenants)} tenants come with ${perTenant} jobs of 10 ms each and go, ${count(perSecond)} jobs/s`,
  attack: [
    { prefix: 'passing', tenants, together, jobs: tenants * perTenant, perSecond, batch: 500, ms: 10 },
  ],
}

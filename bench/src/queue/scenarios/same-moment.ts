import type { Scenario } from './scenario.ts'
import { count, sized } from './sizes.ts'

const tenants = 100
const jobs = sized(1_000_000, 60_000)
/** For adding them before; slowest seen: 50,000 a second. */
const addMs = jobs / 25

export const sameMoment: Scenario = {
  about: `${count(jobs)} jobs of 10 ms, of ${tenants} tenants, due at the same moment`,
  attack: [{ prefix: 'due', tenants, jobs, ms: 10, dueInMs: 3_000 + addMs, steady: true }],
}

import { churningTenants } from './churn.ts'
import { flood } from './flood.ts'
import { giantPayloads } from './giants.ts'
import { kills } from './kills.ts'
import { manyKeys } from './many-keys.ts'
import { noisyTenants } from './noisy.ts'
import { retryStorm } from './retry-storm.ts'
import { sameMoment } from './same-moment.ts'
import type { Scenario } from './scenario.ts'
import { slowJobs } from './slow.ts'

export const scenarios: Record<string, Scenario> = {
  flood,
  noisy: noisyTenants,
  slow: slowJobs,
  churn: churningTenants,
  retries: retryStorm,
  moment: sameMoment,
  giants: giantPayloads,
  keys: manyKeys,
  kills,
}

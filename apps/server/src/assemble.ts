import { createQueue } from '@fairway/queue'
import type { Logger } from 'pino'
import { organizationOf } from './accounts/organization-of.ts'
import { partitionTrouble } from './audience/events/partition-rights.ts'
import { explainStoreError, openStore } from './operations/queue/open-store.ts'
import type { App } from './platform/app.ts'
import { AdmissionCounts } from './platform/capacity/admission-counts.ts'
import { connectionsForReads, ExpensiveReads } from './platform/capacity/expensive-reads.ts'
import { JobCounts } from './platform/capacity/job-counts.ts'
import { TimesInQueue } from './platform/capacity/time-in-queue.ts'
import type { Closing } from './platform/closing.ts'
import type { Config } from './platform/config.ts'
import { createPool } from './platform/db/database.ts'
import { migrate } from './platform/db/migrate.ts'
import { ProcessView } from './platform/processes/process-view.ts'
import { checkSecret, loadSecret } from './platform/secret-file.ts'
import { createSecrets } from './platform/secrets.ts'

/** Statements of jobs look at more than those of requests. */
const patienceOfJobs = 4

/** Brings the database at `url` up to date and makes an App on it; `closing` learns how to take it apart. */
export async function assemble(
  config: Config,
  log: Logger,
  url: string,
  closing: Closing,
  now?: () => Date,
): Promise<App> {
  await migrate(url, log)
  const clock = now ?? (() => new Date())
  const forReads = connectionsForReads(config.databaseConnections)
  const statementMs = config.databaseSeconds * 1_000 * (config.role === 'api' ? 1 : patienceOfJobs)
  const pool = createPool({ url, max: config.databaseConnections - forReads, log, statementMs })
  closing.add('pool', () => pool.end())
  const trouble = await partitionTrouble(pool)
  if (trouble) log.warn(trouble.reason)
  const readsPool = createPool({ url, max: forReads, log, applicationName: 'fairway reads' })
  closing.add('pool of expensive reads', () => readsPool.end())
  const secrets = createSecrets(loadSecret(config))
  await checkSecret(pool, secrets)

  const { store, moves, requestUnits } = await openStore(config, log, {
    url,
    pool,
    now: now && (() => now().getTime()),
  })
  const queue = createQueue({ store })
  closing.add('queue', () => queue.close())
  await queue.migrate().catch((error) => {
    throw explainStoreError(error)
  })
  return {
    config,
    log,
    pool,
    expensiveReads: new ExpensiveReads({
      pool: readsPool,
      quickPool: pool,
      now: clock,
      organizationOf: (projectId) => organizationOf(pool, projectId),
    }),
    queue,
    moves,
    requestUnits,
    jobCounts: new JobCounts(),
    timesInQueue: new TimesInQueue(),
    admissions: new AdmissionCounts(),
    secrets,
    processes: new ProcessView(),
    now: clock,
  }
}

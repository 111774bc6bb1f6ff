import { startEmbedded } from '../apps/server/src/platform/db/embedded.ts'
import { createDataDir, removeAbandonedDataDirs, removeDataDir } from './data-dir.ts'
import { installPostgres } from './install-postgres.ts'
import { testDatabaseVariable } from './postgres.ts'

/** Another major version than the one that Fairway comes with: `FAIRWAY_TEST_POSTGRES=14 npx vitest run packages/queue`. */
const version = process.env.FAIRWAY_TEST_POSTGRES

/** One PostgreSQL for the whole run, through the same launcher that the server uses. */
export default async function setup(): Promise<(() => Promise<void>) | undefined> {
  if (process.env[testDatabaseVariable]) return
  await removeAbandonedDataDirs()
  const dataDir = createDataDir()
  const postgres = await startEmbedded({
    dataDir,
    ...(version && { packaged: installPostgres(version) }),
    settings: {
      max_connections: '300',
      // The run ends with its machine: a kill -9 loses nothing without fsync, only a power cut would.
      fsync: 'off',
      full_page_writes: 'off',
    },
  })
  process.env[testDatabaseVariable] = postgres.url
  return async () => {
    await postgres.stop()
    await removeDataDir(dataDir)
  }
}

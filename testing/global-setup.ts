import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { startEmbedded } from '../apps/server/src/platform/db/embedded.ts'
import { createDataDir, removeAbandonedDataDirs, removeDataDir } from './data-dir.ts'
import { installPostgres } from './install-postgres.ts'
import { testDatabaseStarter, testDatabaseVariable } from './postgres.ts'

/** Another major version than the one that Fairway comes with: `FAIRWAY_TEST_POSTGRES=14 npx vitest run packages/queue`. */
const version = process.env.FAIRWAY_TEST_POSTGRES

/**
 * One PostgreSQL for the whole run, through the same launcher that the server uses. It starts when the first test asks for
 * it, over a socket of this process: a run of tests without a database starts none.
 */
export default async function setup(): Promise<(() => Promise<void>) | undefined> {
  if (process.env[testDatabaseVariable]) return
  let started: Promise<{ url: string; stop(): Promise<void> }> | undefined
  const starter = createServer((_request, response) => {
    started ??= start()
    started.then(
      ({ url }) => response.end(url),
      (error) => response.writeHead(500).end(String(error?.stack ?? error)),
    )
  })
  await new Promise<void>((listening) => starter.listen(0, '127.0.0.1', listening))
  process.env[testDatabaseStarter] = `http://127.0.0.1:${(starter.address() as AddressInfo).port}`
  return async () => {
    starter.closeAllConnections()
    starter.close()
    await started?.then(
      ({ stop }) => stop(),
      () => {},
    )
  }
}

async function start() {
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
  return {
    url: postgres.url,
    async stop() {
      await postgres.stop()
      await removeDataDir(dataDir)
    },
  }
}

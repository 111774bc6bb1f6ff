import { pino } from 'pino'
import { createProject } from '../apps/server/src/accounts/projects.ts'
import type { App } from '../apps/server/src/platform/app.ts'
import { type Config, readConfig } from '../apps/server/src/platform/config.ts'
import { startServer } from '../apps/server/src/server.ts'
import { createDataDir, removeDataDir } from './data-dir.ts'
import { createTestDatabase } from './postgres.ts'

export interface TestServer {
  /** `http://127.0.0.1:<port>` */
  url: string
  app: App
  projectId: number
  trackingKey: string
  secretKey: string
  close(): Promise<void>
}

export interface TestServerOptions {
  /** The server's clock; default the real one. The queue runs due jobs by it, too. */
  now?: () => Date
  /** Of the database; see {@link createTestDatabase}. */
  icuLocale?: string
  /** Over the defaults: `{ role: 'api', maxBatchEvents: 10 }`. */
  config?: Partial<Config>
  /** Show the server's log lines of this level and above on stderr. */
  logLevel?: string
}

/** The whole server in this process on a free port, with a fresh database and one project. */
export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const database = await createTestDatabase({ icuLocale: options.icuLocale })
  const dataDir = createDataDir()
  const config: Config = {
    ...readConfig({ FAIRWAY_PORT: '0', FAIRWAY_DATA_DIR: dataDir, DATABASE_URL: database.url }),
    databaseConnections: 10,
    ...options.config,
  }
  const log = pino({ level: options.logLevel ?? 'silent' }, pino.destination(2))
  const server = await startServer(config, log, { now: options.now })
  const { project, trackingKey, secretKey } = await createProject(server.app, { name: 'Test' })
  return {
    url: server.url,
    app: server.app,
    projectId: project.id,
    trackingKey,
    secretKey,
    async close() {
      await server.close()
      await database.drop()
      await removeDataDir(dataDir)
    },
  }
}

import type { Logger } from 'pino'
import type { Config } from '../config.ts'
import { checkDatabase } from './database.ts'
import { startEmbedded } from './embedded.ts'

export interface OpenedDatabase {
  url: string
  /** Stops the database if it is ours. */
  close(): Promise<void>
}

/** Your PostgreSQL when DATABASE_URL is set, checked; otherwise our own, started. */
export async function openDatabase(config: Config, log: Logger): Promise<OpenedDatabase> {
  if (config.databaseUrl) {
    await checkDatabase(config.databaseUrl)
    return { url: config.databaseUrl, close: async () => {} }
  }
  const postgres = await startEmbedded({ dataDir: config.dataDir, log })
  return { url: postgres.url, close: () => postgres.stop() }
}

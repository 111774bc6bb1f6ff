import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { App } from '../app.ts'
import { assemble } from '../assemble.ts'
import { closeInReverse } from '../closing.ts'
import { type Config, readConfig } from '../config.ts'
import { DataDirectoryInUse, findRunningEmbedded } from '../db/embedded.ts'
import { type OpenedDatabase, openDatabase } from '../db/open.ts'
import { createLogger } from './logger.ts'

/** A server that is just starting has its database within this time, if nothing is wrong. */
const startingMs = 30_000

/** Runs a command's work on the installation's database, beside a running server or, without one, by itself. */
export async function withApp<T>(work: (app: App) => Promise<T>): Promise<T> {
  const config = readConfig()
  const log = createLogger(process.env.FAIRWAY_LOG_LEVEL ? config.logLevel : 'warn')
  const closing = closeInReverse(log)
  try {
    const database = await reachDatabase(config, log)
    closing.add('database', database.close)
    return await work(await assemble(config, log, database.url, closing))
  } finally {
    await closing.run()
  }
}

/** The running server's embedded database; or ours, started for this command. */
async function reachDatabase(config: Config, log: Logger): Promise<OpenedDatabase> {
  if (config.databaseUrl) return openDatabase(config, log)
  const giveUp = Date.now() + startingMs
  for (;;) {
    const url = findRunningEmbedded(config.dataDir)
    if (url) return { url, close: async () => {} }
    try {
      return await openDatabase(config, log)
    } catch (error) {
      // A server that is starting or stopping holds it.
      if (!(error instanceof DataDirectoryInUse) || Date.now() > giveUp) throw error
      await sleep(100)
    }
  }
}

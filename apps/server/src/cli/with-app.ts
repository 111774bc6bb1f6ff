import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { assemble } from '../assemble.ts'
import type { App } from '../platform/app.ts'
import { closeInReverse } from '../platform/closing.ts'
import { type Config, readConfig } from '../platform/config.ts'
import { DataDirectoryInUse, findRunningEmbedded, hasEmbedded } from '../platform/db/embedded.ts'
import { type OpenedDatabase, openDatabase } from '../platform/db/open.ts'
import { findDataDir } from './find-data-dir.ts'
import { createLogger } from './logger.ts'
import { WrongArguments } from './wrong-arguments.ts'

/** A server that is just starting has its database within this time, if nothing is wrong. */
const startingMs = 30_000

/**
 * Runs a command's work on the installation's database, beside a running server or, without one, by itself.
 *
 * `mayCreate`: makes an installation where there is none, and says so. Other commands would only look into an empty one.
 */
export async function withApp<T>(
  work: (app: App) => Promise<T>,
  { mayCreate = false }: { mayCreate?: boolean } = {},
): Promise<T> {
  const config = located(readConfig())
  const isNew = !config.databaseUrl && !hasEmbedded(config.dataDir)
  const place = resolve(config.dataDir)
  if (isNew && !mayCreate)
    throw new WrongArguments(
      `There is no Fairway in ${place}, nor in a folder above. Run this in the folder where Fairway was started, ` +
        'or set FAIRWAY_DATA_DIR or DATABASE_URL to the one you mean.',
    )
  const log = createLogger(process.env.FAIRWAY_LOG_LEVEL ? config.logLevel : 'warn')
  const closing = closeInReverse(log)
  try {
    const database = await reachDatabase(config, log)
    closing.add('database', database.close)
    if (isNew)
      console.error(
        `There was no Fairway in ${place}, so a new one was made; set FAIRWAY_DATA_DIR or DATABASE_URL to reach another.`,
      )
    return await work(await assemble(config, log, database.url, closing))
  } finally {
    await closing.run()
  }
}

/** Where nothing else is said, an installation is that of the folder or of the closest one above it, and which one is told. */
function located(config: Config): Config {
  if (config.databaseUrl || process.env.FAIRWAY_DATA_DIR) return config
  const dataDir = findDataDir(config.dataDir) ?? config.dataDir
  if (dataDir !== config.dataDir) console.error(`Using the Fairway in ${dataDir}.`)
  return { ...config, dataDir }
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

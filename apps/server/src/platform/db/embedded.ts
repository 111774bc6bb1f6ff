import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { Logger } from 'pino'
import { DataDirectoryUnusable, inDataDirectory } from '../data-directory.ts'
import { findBinaries } from './embedded/binaries.ts'
import { type ClusterLocation, choosePlace, ensureCluster, findPlace } from './embedded/cluster.ts'
import { acquireLock, LockHeld, lockHolder } from './embedded/lock.ts'
import { choosePort } from './embedded/port.ts'
import { type PostgresProcess, readPidFile, startPostgres, stopOrphan } from './embedded/postgres-process.ts'
import { databaseUser } from './embedded/user.ts'

/** PostgreSQL run by Fairway itself: a real server, durable, restarted when it dies. */
export interface EmbeddedPostgres {
  /** `postgresql://fairway:…@127.0.0.1:port/fairway`; stays valid across restarts of the database. */
  url: string
  /** Of the current PostgreSQL; another after a restart. */
  readonly pid: number
  /** Ends connections, writes everything out and waits for the process to end. Idempotent. */
  stop(): Promise<void>
}

/** Another Fairway, or a command of it, uses this data directory. */
export class DataDirectoryInUse extends Error {
  constructor(dataDir: string, pid: number) {
    super(
      `The data directory ${dataDir} is in use by another Fairway (process ${pid}). ` +
        'Stop that one, or set FAIRWAY_DATA_DIR (and FAIRWAY_PORT) to run a second one beside it.',
    )
    this.name = 'DataDirectoryInUse'
  }
}

const database = 'fairway'
const firstRestartMs = 100
const maxRestartMs = 10_000

/**
 * Starts the data directory's PostgreSQL, making it on first use and recovering it after crashes: a PostgreSQL left
 * running by a killed Fairway is stopped first. Throws {@link DataDirectoryInUse}.
 */
export async function startEmbedded(options: {
  dataDir: string
  log?: Logger
  /** Further PostgreSQL settings, over ours. */
  settings?: Record<string, string>
  /** Directory of another package of PostgreSQL than the installed one. */
  packaged?: string
}): Promise<EmbeddedPostgres> {
  const { dataDir, log, settings = {}, packaged } = options
  const place = inDataDirectory(dataDir, () => choosePlace(dataDir))
  const lock = inDataDirectory(dataDir, () => lockPlace(place, dataDir))
  try {
    const user = databaseUser(place.data)
    const binaries = findBinaries(place.home, user, packaged)
    await ensureCluster(place, binaries, user, log)
    const start = async (port: number) => {
      await stopOrphan(place.data, log)
      return startPostgres({ place, binaries, user, port, settings, log })
    }
    const { port, server } = await startOnFreePort(place, start)
    try {
      await createDatabase(urlOf(place, port, 'postgres'))
    } catch (error) {
      await server.stop()
      throw error
    }
    return supervise(urlOf(place, port, database), server, () => start(port), lock.release, log)
  } catch (error) {
    lock.release()
    throw error
  }
}

/** This data directory has a database, or a living Fairway is just making one. */
export function hasEmbedded(dataDir: string): boolean {
  const place = findPlace(dataDir)
  return place !== undefined && (existsSync(place.data) || lockHolder(place.lockFile) !== undefined)
}

/** The URL of this data directory's PostgreSQL if a living Fairway runs it; for commands beside a running server. */
export function findRunningEmbedded(dataDir: string): string | undefined {
  return inDataDirectory(dataDir, () => {
    const place = findPlace(dataDir)
    if (!place || lockHolder(place.lockFile) === undefined) return undefined
    const running = readPidFile(place.data)
    return running?.status === 'ready' ? urlOf(place, running.port, database) : undefined
  })
}

/** Stops a PostgreSQL that a killed Fairway left running. Does nothing when there is none or its Fairway lives. */
export async function stopOrphanedEmbedded(dataDir: string): Promise<void> {
  const place = findPlace(dataDir)
  if (place && existsSync(place.data) && lockHolder(place.lockFile) === undefined)
    await stopOrphan(place.data)
}

function lockPlace(place: ClusterLocation, dataDir: string) {
  try {
    return acquireLock(place.lockFile)
  } catch (error) {
    if (error instanceof LockHeld) throw new DataDirectoryInUse(dataDir, error.pid)
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'EACCES' && code !== 'EPERM') throw error
    throw new DataDirectoryUnusable(
      dataDir,
      `${place.home} belongs to another user, who started Fairway there first`,
      error,
    )
  }
}

/** The port may be taken between our look and PostgreSQL's bind: then try the next one. */
async function startOnFreePort(place: ClusterLocation, start: (port: number) => Promise<PostgresProcess>) {
  for (let attempt = 0; ; attempt++) {
    const port = await choosePort(place.home, attempt)
    try {
      return { port, server: await start(port) }
    } catch (error) {
      if (attempt >= 20 || !/could not (bind|create any TCP)/.test(String(error))) throw error
    }
  }
}

async function createDatabase(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [database])
    if (rowCount === 0) await client.query(`create database ${database}`)
  } finally {
    await client.end()
  }
}

function urlOf(place: ClusterLocation, port: number, name: string): string {
  return `postgresql://fairway:${readFileSync(join(place.passwordFile), 'utf8').trim()}@127.0.0.1:${port}/${name}`
}

/** Restarts PostgreSQL on the same port for as long as it isn't stopped by us. */
function supervise(
  url: string,
  first: PostgresProcess,
  restart: () => Promise<PostgresProcess>,
  release: () => void,
  log: Logger | undefined,
): EmbeddedPostgres {
  let server = first
  let stopped: Promise<void> | undefined
  const stopping = new AbortController()

  async function watch() {
    while (!stopping.signal.aborted) {
      const ending = await server.ended
      if (stopping.signal.aborted) return
      log?.error({ ending }, 'PostgreSQL ended by itself; restarting it')
      await restartUntilUp()
    }
  }

  async function restartUntilUp() {
    for (let delay = firstRestartMs; !stopping.signal.aborted; delay = Math.min(delay * 2, maxRestartMs)) {
      try {
        server = await restart()
        return log?.info({ postgresPid: server.pid }, 'PostgreSQL is back')
      } catch (error) {
        log?.error({ err: error, retryInMs: delay }, 'PostgreSQL did not restart')
        await sleep(delay, undefined, { signal: stopping.signal }).catch(() => {})
      }
    }
  }

  const watching = watch()
  return {
    url,
    get pid() {
      return server.pid
    },
    stop() {
      stopped ??= (async () => {
        stopping.abort()
        await server.stop()
        // A restart under way ends with a running server: stop that one too.
        await watching
        await server.stop()
        release()
      })()
      return stopped
    },
  }
}

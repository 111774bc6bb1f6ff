import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import type { Logger } from 'pino'
import type { Binaries } from './binaries.ts'
import { type DatabaseUser, databaseUser, userCan } from './user.ts'

/**
 * Where a cluster lives: `home` belongs to whoever runs Fairway and holds `data` (the cluster), `password`, `lock`
 * and, when needed, a copy of the binaries.
 */
export interface ClusterLocation {
  home: string
  data: string
  passwordFile: string
  lockFile: string
}

/** Finds the cluster's place, or undefined when this data directory has none yet. */
export function findPlace(dataDir: string): ClusterLocation | undefined {
  const record = join(dataDir, 'postgres.json')
  if (existsSync(record)) {
    const { home } = JSON.parse(readFileSync(record, 'utf8')) as { home: string }
    if (existsSync(home)) return placeIn(home)
    throw new Error(
      `${record} says that the database is in ${home}, which does not exist. ` +
        'Put that directory back, or delete the record to start with an empty database.',
    )
  }
  const home = join(dataDir, 'postgres')
  return existsSync(home) ? placeIn(home) : undefined
}

/**
 * Chooses where a new cluster goes: inside the data directory, unless we are root and PostgreSQL, which then runs as
 * an unprivileged user, can't get there (a checkout in /root, say). Then it goes below /var/lib, and a record in the
 * data directory says so.
 */
export function choosePlace(dataDir: string): ClusterLocation {
  const absolute = resolve(dataDir)
  mkdirSync(absolute, { recursive: true })
  const found = findPlace(absolute)
  if (found) return found
  const user = databaseUser(join(absolute, 'postgres', 'data'))
  if (!user || userCan(user, 'true', absolute)) {
    const home = join(absolute, 'postgres')
    mkdirSync(home, { mode: user ? 0o755 : 0o700 })
    if (user) chmodSync(home, 0o755)
    return placeIn(home)
  }
  const shared = '/var/lib/fairway'
  const home = join(shared, `${basename(dirname(absolute))}-${randomBytes(6).toString('hex')}`)
  mkdirSync(home, { recursive: true })
  for (const directory of [shared, home]) chmodSync(directory, 0o755)
  writeDurably(join(absolute, 'postgres.json'), `${JSON.stringify({ home })}\n`)
  return placeIn(home)
}

const placeIn = (home: string): ClusterLocation => ({
  home,
  data: join(home, 'data'),
  passwordFile: join(home, 'password'),
  lockFile: join(home, 'lock'),
})

/** Makes the cluster if it isn't there, as a whole or not at all. Call it under the lock. */
export async function ensureCluster(
  place: ClusterLocation,
  binaries: Binaries,
  user: DatabaseUser | undefined,
  log: Logger | undefined,
): Promise<void> {
  for (const name of readdirSync(place.home)) {
    // Left by a start that died half-way.
    if (name.startsWith('data.new-')) rmSync(join(place.home, name), { recursive: true })
  }
  if (existsSync(join(place.data, 'global', 'pg_control'))) return checkVersion(place, binaries)
  if (existsSync(place.data)) {
    // Not made by us in this form, as ours appear whole: nothing in it can be started, but it isn't ours to delete.
    const aside = `${place.data}.incomplete-${Date.now()}`
    renameSync(place.data, aside)
    log?.warn({ aside }, 'the database directory was incomplete; moved it aside and made a new one')
  }
  ensurePassword(place, user)
  await initialise(place, binaries, user)
}

function ensurePassword(place: ClusterLocation, user: DatabaseUser | undefined): void {
  if (!existsSync(place.passwordFile)) writeDurably(place.passwordFile, randomBytes(24).toString('base64url'))
  // initdb, running as the database user, reads it too.
  if (user) chownSync(place.passwordFile, user.uid, user.gid)
}

async function initialise(
  place: ClusterLocation,
  binaries: Binaries,
  user: DatabaseUser | undefined,
): Promise<void> {
  const fresh = `${place.data}.new-${process.pid}`
  mkdirSync(fresh, { mode: 0o700 })
  if (user) chownSync(fresh, user.uid, user.gid)
  try {
    await run(
      binaries.initdb,
      [
        `--pgdata=${fresh}`,
        '--username=fairway',
        `--pwfile=${place.passwordFile}`,
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        // Built into PostgreSQL, so it is the same on every system and never changes under an index.
        '--locale=C',
        ...builtinLocale(binaries.major),
        '--no-instructions',
      ],
      user,
    )
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true })
    throw error
  }
  renameSync(fresh, place.data)
  syncDirectory(place.home)
}

function checkVersion(place: ClusterLocation, binaries: Binaries): void {
  const made = readFileSync(join(place.data, 'PG_VERSION'), 'utf8').trim()
  if (made !== binaries.major) {
    throw new Error(
      `The database in ${place.data} was made by PostgreSQL ${made}, and this Fairway brings PostgreSQL ${binaries.major}. ` +
        'Use the Fairway version that made it to export the data (pg_dump), then start with a new FAIRWAY_DATA_DIR.',
    )
  }
}

/** The environment of the database's processes: nothing of ours, and no PG* variable that would redirect them. */
export function postgresEnvironment(): NodeJS.ProcessEnv {
  const kept = ['PATH', 'LD_LIBRARY_PATH', 'SystemRoot', 'TEMP', 'TMPDIR']
  const environment = Object.fromEntries(kept.map((name) => [name, process.env[name]]))
  return { ...environment, LC_ALL: 'C', TZ: 'UTC' }
}

function run(command: string, args: string[], user: DatabaseUser | undefined): Promise<void> {
  return new Promise((done, fail) => {
    const child = spawn(command, args, {
      ...user,
      cwd: '/',
      env: postgresEnvironment(),
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    const collect = (chunk: Buffer) => (output = (output + chunk).slice(-4_000))
    child.stdout.on('data', collect)
    child.stderr.on('data', collect)
    child.on('error', (cause) => fail(new Error(`Cannot run ${command}: ${cause.message}`, { cause })))
    child.on('close', (code) => {
      if (code === 0) done()
      else fail(new Error(`${basename(command)} failed with exit code ${code}:\n${output.trim()}`))
    })
  })
}

/** Mode 600, through a rename, synced: after a power cut it is there whole or not at all. */
export function writeDurably(path: string, content: string): void {
  const partial = `${path}.partial-${process.pid}`
  rmSync(partial, { force: true })
  writeFileSync(partial, content, { mode: 0o600, flush: true })
  renameSync(partial, path)
  syncDirectory(dirname(path))
}

function syncDirectory(path: string): void {
  if (process.platform === 'win32') return
  const directory = openSync(path, 'r')
  fsyncSync(directory)
  closeSync(directory)
}

/** Letters of every script have their case. Before 17, which only tests run, PostgreSQL had no such locale of its own. */
const builtinLocale = (major: string) =>
  Number(major) < 17 ? ['--lc-ctype=C.UTF-8'] : ['--locale-provider=builtin', '--builtin-locale=C.UTF-8']

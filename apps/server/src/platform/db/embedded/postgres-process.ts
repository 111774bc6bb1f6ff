import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { readFileSync, realpathSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { Binaries } from './binaries.ts'
import { type ClusterLocation, postgresEnvironment } from './cluster.ts'
import { commandOf, isAlive } from './process-identity.ts'
import type { DatabaseUser } from './user.ts'

export interface PostgresProcess {
  pid: number
  /** Resolves when the process is gone, however that came about: 'exit code 1', 'signal SIGKILL'. */
  ended: Promise<string>
  /** Fast shutdown: ends connections, writes a checkpoint; waits. Idempotent. */
  stop(): Promise<void>
}

/** Ours, over PostgreSQL's defaults. Everything that makes commits durable stays on. */
const defaultSettings: Record<string, string> = {
  listen_addresses: '127.0.0.1',
  // TCP with a password works everywhere; a socket path has a length limit and a directory to protect.
  unix_socket_directories: '',
  max_connections: '100',
  shared_buffers: '128MB',
  effective_cache_size: '1GB',
  max_wal_size: '2GB',
  checkpoint_timeout: '15min',
  wal_compression: 'on',
  random_page_cost: '1.1',
  jit: 'off',
  huge_pages: 'off',
  // Queue tables turn over quickly: look often, clean without long pauses.
  autovacuum_naptime: '10s',
  autovacuum_vacuum_cost_limit: '2000',
  // The log carries no statement and no value: those are people's data.
  log_min_messages: 'log',
  log_min_error_statement: 'panic',
  log_error_verbosity: 'terse',
  log_checkpoints: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
}

const pollMs = 20
/** Processes of a killed PostgreSQL hold its shared memory until they notice. */
const lingeringMs = 30_000

const isLingering = (message: string) =>
  message.includes('shared memory block') && message.includes('still in use')

/** Starts PostgreSQL and resolves when it takes connections, however long crash recovery takes. */
export async function startPostgres(options: {
  place: ClusterLocation
  binaries: Binaries
  user: DatabaseUser | undefined
  port: number
  settings: Record<string, string>
  log: Logger | undefined
}): Promise<PostgresProcess> {
  const giveUp = Date.now() + lingeringMs
  for (;;) {
    try {
      return await launch(options)
    } catch (error) {
      if (!isLingering(String(error)) || Date.now() > giveUp) throw error
      await sleep(200)
    }
  }
}

async function launch({ place, binaries, user, port, settings, log }: Parameters<typeof startPostgres>[0]) {
  const args = Object.entries({ ...defaultSettings, port: String(port), ...settings })
  const child = spawn(
    binaries.postgres,
    ['-D', place.data, ...args.flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    {
      ...user,
      cwd: '/',
      env: postgresEnvironment(),
      stdio: ['ignore', 'ignore', 'pipe'],
      // Its own process group: a Ctrl-C in the terminal must not stop it before the server has finished its work.
      detached: true,
      windowsHide: true,
    },
  )
  const output = followOutput(child, log)
  let gone = false
  const ended = new Promise<string>((done) => {
    child.once('error', (error) => done(`cannot run ${binaries.postgres}: ${error.message}`))
    child.once('exit', (code, signal) => done(signal ? `signal ${signal}` : `exit code ${code}`))
  })
  void ended.then(() => (gone = true))

  for (;;) {
    if (gone) throw new Error(`PostgreSQL did not start (${await ended}).\n${output()}`.trim())
    const status = readPidFile(place.data)
    if (status?.pid === child.pid && status?.status === 'ready') break
    await sleep(pollMs)
  }
  return {
    pid: child.pid!,
    ended,
    async stop() {
      if (!gone) interrupt(child, binaries, place)
      await ended
    },
  }
}

function interrupt(child: ChildProcess, binaries: Binaries, place: ClusterLocation): void {
  if (process.platform !== 'win32') child.kill('SIGINT')
  // Windows has no signals; pg_ctl speaks PostgreSQL's own replacement.
  else execFile(binaries.pgCtl, ['stop', '-D', place.data, '-m', 'fast', '-W'], () => {})
}

/** What every open connection is told when PostgreSQL is asked to stop. */
const ordinaryStop = 'terminating connection due to administrator command'

/** Hands PostgreSQL's log on, and keeps its end for an error message. */
function followOutput(child: ChildProcess, log: Logger | undefined): () => string {
  let tail = ''
  child.stderr!.setEncoding('utf8').on('data', (chunk: string) => {
    tail = (tail + chunk).slice(-4_000)
    for (const line of chunk.split('\n')) {
      if (/FATAL|PANIC/.test(line) && !line.includes(ordinaryStop))
        log?.warn({ postgres: line }, 'PostgreSQL says')
      else if (line) log?.debug({ postgres: line }, 'PostgreSQL says')
    }
  })
  return () => tail.trim()
}

/** What PostgreSQL writes about itself into its data directory. */
export function readPidFile(data: string): { pid: number; port: number; status: string } | undefined {
  try {
    const lines = readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')
    return { pid: Number(lines[0]), port: Number(lines[3]), status: (lines[7] ?? '').trim() }
  } catch {
    return undefined
  }
}

/**
 * Stops the PostgreSQL that a killed Fairway left running on this directory, and removes a pid file whose process is
 * gone or is another program that got the number since (PostgreSQL itself would refuse to start then).
 */
export async function stopOrphan(data: string, log?: Logger): Promise<void> {
  const found = readPidFile(data)
  if (!found || !Number.isInteger(found.pid) || found.pid <= 1)
    return rmSync(join(data, 'postmaster.pid'), { force: true })
  if (!isPostgresOn(data, found.pid)) return rmSync(join(data, 'postmaster.pid'), { force: true })
  log?.warn({ postgresPid: found.pid }, 'stopping a PostgreSQL that an earlier Fairway left running')
  process.kill(found.pid, 'SIGINT')
  const impatient = Date.now() + 60_000
  while (isPostgresOn(data, found.pid)) {
    await sleep(pollMs)
    // Immediate shutdown: the next start recovers from the log, nothing committed is lost.
    if (Date.now() > impatient) process.kill(found.pid, 'SIGQUIT')
  }
}

function isPostgresOn(data: string, pid: number): boolean {
  if (!isAlive(pid)) return false
  const command = commandOf(pid)
  return /postgres/.test(command) && (command.includes(data) || command.includes(realpathSync(data)))
}

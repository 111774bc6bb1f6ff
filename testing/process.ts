import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findPlace } from '../apps/server/src/platform/db/embedded/cluster.ts'
import { readPidFile } from '../apps/server/src/platform/db/embedded/postgres-process.ts'
import { commandOf } from '../apps/server/src/platform/db/embedded/process-identity.ts'
import { ensureBuilt } from './built.ts'
import { createDataDir, removeDataDir } from './data-dir.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const readyMs = 150_000

export interface ServerProcess {
  /** Stays the same across restarts. */
  readonly url: string
  readonly pid: number
  readonly dataDir: string
  /** Of the project made at the first start. */
  readonly trackingKey: string
  /** Everything printed so far, over all restarts. */
  readonly stdout: string
  readonly stderr: string
  /** Ends the server, all its processes, as a power cut would; its embedded PostgreSQL lives on, as it does in reality. */
  kill(): Promise<void>
  /** Ends its embedded PostgreSQL as a power cut would; the server starts it again. */
  killDatabase(): void
  /** Asks it to stop as Ctrl-C does; resolves with the exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>
  /** Starts it again on the same port and data, and waits until it is ready. */
  restart(): Promise<void>
  /** Runs `fairway …` on the same data; rejects on another exit code than 0. */
  cli(...args: string[]): Promise<string>
  /** Ends everything and removes the data. */
  dispose(): Promise<void>
}

/**
 * The real server as a process of its own, built, with an embedded PostgreSQL in a fresh data
 * directory (or `env.DATABASE_URL`).
 */
export async function startServerProcess(
  options: { env?: Record<string, string> } = {},
): Promise<ServerProcess> {
  await ensureBuilt('server')
  const dataDir = createDataDir()
  const port = await freePort()
  const environment: Record<string, string> = {
    FAIRWAY_PORT: String(port),
    FAIRWAY_DATA_DIR: dataDir,
    ...options.env,
  }
  const output = { stdout: '', stderr: '' }
  let child = launch()

  function launch(): ChildProcess {
    const started = spawnCli(['start'], environment)
    started.stdout!.setEncoding('utf8').on('data', (chunk: string) => (output.stdout += chunk))
    started.stderr!.setEncoding('utf8').on('data', (chunk: string) => (output.stderr += chunk))
    return started
  }

  async function ready(): Promise<void> {
    const from = output.stderr.length
    const giveUp = Date.now() + readyMs
    while (!(output.stderr.includes('"msg":"Fairway is up"', from) && isWelcomed())) {
      if (child.exitCode !== null || child.signalCode !== null || Date.now() > giveUp) {
        throw new Error(
          `The server did not start (exit code ${child.exitCode}):\n${output.stderr.slice(from)}`,
        )
      }
      await pause()
    }
  }

  // A worker greets nobody.
  const isWelcomed = () => environment.FAIRWAY_ROLE === 'worker' || output.stdout.includes('Ctrl-C stops it')

  async function end(signal: NodeJS.Signals): Promise<number | null> {
    if (child.exitCode === null && child.signalCode === null) {
      const gone = new Promise((done) => child.once('exit', done))
      // Else those below would see it go, and end in order.
      const below = signal === 'SIGKILL' ? childrenOf(child.pid!) : []
      child.kill(signal)
      for (const pid of below) killIfThere(pid)
      await gone
    }
    return child.exitCode
  }

  const server: ServerProcess = {
    url: `http://127.0.0.1:${port}`,
    get pid() {
      return child.pid!
    },
    dataDir,
    get trackingKey() {
      return /Tracking key\s+(\S+)/.exec(output.stdout)?.[1] ?? ''
    },
    get stdout() {
      return output.stdout
    },
    get stderr() {
      return output.stderr
    },
    async kill() {
      await end('SIGKILL')
    },
    killDatabase() {
      process.kill(readPidFile(findPlace(dataDir)!.data)!.pid, 'SIGKILL')
    },
    stop: (signal = 'SIGINT') => end(signal),
    async restart() {
      await end('SIGKILL')
      output.stdout = output.stdout.replaceAll('Ctrl-C stops it', '')
      child = launch()
      await ready()
    },
    cli: (...args) => runCli(args, environment),
    async dispose() {
      await end('SIGKILL')
      await removeDataDir(dataDir)
    },
  }
  try {
    await ready()
  } catch (error) {
    await server.dispose()
    throw error
  }
  return server
}

/** Runs `fairway …`, built; resolves with its stdout, rejects with a {@link CliFailure}. */
export const runCli = async (args: string[], environment: Record<string, string>): Promise<string> =>
  (await runCliFully(args, environment)).stdout

/** The same with everything that it prints. */
export async function runCliFully(
  args: string[],
  environment: Record<string, string>,
): Promise<{ stdout: string; stderr: string }> {
  await ensureBuilt('server')
  const child = spawnCli(args, environment)
  let stdout = ''
  let stderr = ''
  child.stdout!.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk))
  child.stderr!.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk))
  const code = await new Promise<number | null>((done) => child.once('close', done))
  if (code === 0) return { stdout, stderr }
  throw new CliFailure(code, stdout, stderr)
}

export class CliFailure extends Error {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  constructor(code: number | null, stdout: string, stderr: string) {
    super(`fairway ended with exit code ${code}: ${stderr}`)
    this.code = code
    this.stdout = stdout
    this.stderr = stderr
  }
}

/** The processes of a supervisor, not its PostgreSQL. Linux only; elsewhere they end by themselves. */
export function childrenOf(pid: number): number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
      .trim()
      .split(' ')
      .filter(Boolean)
    return children.map(Number).filter((one) => commandOf(one).includes('supervised'))
  } catch {
    return []
  }
}

export function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended by itself.
  }
}

/** Nothing of the surrounding environment but what a process needs, so that a developer's settings change no test. */
function spawnCli(args: string[], environment: Record<string, string>): ChildProcess {
  const { PATH, HOME, TMPDIR } = process.env
  return spawn(process.execPath, [join(root, 'apps/server/dist/cli/main.js'), ...args], {
    cwd: root,
    env: { PATH, HOME, TMPDIR, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((done) => probe.listen(0, '127.0.0.1', done))
  const { port } = probe.address() as { port: number }
  await new Promise((done) => probe.close(done))
  return port
}

const pause = () => new Promise((done) => setTimeout(done, 50))

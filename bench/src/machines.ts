import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { startEmbedded } from '../../apps/server/src/platform/db/embedded.ts'
import { childrenOf, killIfThere } from '../../testing/process.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const closers: (() => Promise<unknown> | unknown)[] = []

let closing = Promise.resolve()

/** Ends everything that a bench started, in reverse order. A second call waits for the first. */
export function closeAll(): Promise<void> {
  closing = closing.then(async () => {
    for (const close of closers.splice(0).reverse()) await close()
  })
  return closing
}

/** `close` runs when the bench ends, however that comes about. */
export function atEnd(close: () => Promise<unknown> | unknown): void {
  closers.push(close)
}

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => void closeAll().finally(() => process.exit(1)))
// PostgreSQL outlives a process that dies; also of an error in an event that nobody awaits, as when a pipe closes.
let failed = false
process.on('uncaughtException', (error) => {
  if (failed) return
  failed = true
  console.error(error)
  void closeAll().finally(() => process.exit(1))
})

/** PostgreSQL as `npm start` runs it, fsync on. `settings`: over those. */
export async function startPostgres(settings: Record<string, string> = {}) {
  const dataDir = mkdtempSync(join(tmpdir(), 'fairway-bench-'))
  // PostgreSQL, which root runs as another user, can then live in here, and goes with it.
  chmodSync(dataDir, 0o755)
  const postgres = await startEmbedded({ dataDir, settings })
  closers.push(async () => {
    await postgres.stop()
    rmSync(dataDir, { recursive: true, force: true })
  })
  return {
    url: postgres.url,
    /** Of the postmaster; another after a restart. */
    get pid(): number {
      return postgres.pid
    },
    /** A new, empty database; one that had the name is dropped. */
    async database(name: string): Promise<string> {
      const client = new pg.Client({ connectionString: postgres.url })
      await client.connect()
      await client.query(`drop database if exists ${name} with (force)`)
      await client.query(`create database ${name}`)
      await client.end()
      const url = new URL(postgres.url)
      url.pathname = `/${name}`
      return url.href
    },
  }
}

export type Postgres = Awaited<ReturnType<typeof startPostgres>>

export interface Fairway {
  url: string
  pid: number
  stop(): Promise<void>
  /** Ends it as a power cut would. Start it again with the same `FAIRWAY_PORT` and its url stays. */
  kill(): Promise<void>
  /** Memory in MB of its processes together; what they share counts once. */
  memory(): number
}

const secret = 'a secret for benchmarks, thirty-two characters and more'
export const environment = (databaseUrl: string) => ({
  ...process.env,
  DATABASE_URL: databaseUrl,
  FAIRWAY_SECRET: secret,
  FAIRWAY_DATA_DIR: join(tmpdir(), `fairway-bench-data-${process.pid}`),
  FAIRWAY_LOG_LEVEL: 'warn',
  NODE_ENV: 'production',
})
closers.push(() =>
  rmSync(join(tmpdir(), `fairway-bench-data-${process.pid}`), { recursive: true, force: true }),
)

/** The built server as a process of its own. */
export async function startFairway(databaseUrl: string, env: Record<string, string> = {}): Promise<Fairway> {
  const port = env.FAIRWAY_PORT ?? (await freePort())
  const child = spawn(process.execPath, [join(root, 'apps/server/bin/fairway.mjs'), 'start'], {
    env: { ...environment(databaseUrl), FAIRWAY_PORT: String(port), ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const url = `http://127.0.0.1:${port}`
  if (env.FAIRWAY_ROLE !== 'worker') await answers(`${url}/readyz`, child)
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const below = signal === 'SIGKILL' ? childrenOf(child.pid!) : []
    child.kill(signal)
    for (const pid of below) killIfThere(pid)
    await once(child, 'exit')
  }
  const fairway = {
    url,
    pid: child.pid!,
    memory: () =>
      [child.pid!, ...childrenOf(child.pid!)].reduce((sum, pid) => sum + proportionalMegabytes(pid), 0),
    stop: () => end('SIGINT'),
    kill: () => end('SIGKILL'),
  }
  closers.push(fairway.stop)
  return fairway
}

export async function createProject(databaseUrl: string, name: string) {
  const child = spawn(
    process.execPath,
    [join(root, 'apps/server/bin/fairway.mjs'), 'project', 'create', name, '--json'],
    { env: environment(databaseUrl), stdio: ['ignore', 'pipe', 'inherit'] },
  )
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (chunk) => (output += chunk))
  await once(child, 'exit')
  return JSON.parse(output) as {
    project: { id: string; name: string }
    trackingKey: string
    secretKey: string
  }
}

/** Another TypeScript file of this folder as a process; resolves with what it sends first. */
export async function startProcess<T>(
  file: string,
  args: string[],
): Promise<{ ready: T; child: ChildProcess }> {
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', '--conditions=source', fileURLToPath(new URL(file, import.meta.url)), ...args],
    {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: { ...process.env, NODE_ENV: 'production' },
    },
  )
  closers.push(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGTERM')
    await once(child, 'exit')
  })
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`${file} ended with exit code ${code} before it was ready`)
  })
  const [ready] = (await Promise.race([once(child, 'message'), ended])) as [T]
  ended.catch(() => {})
  return { ready, child }
}

export function residentMegabytes(pid: number): number {
  const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))!
  return Number(kilobytes) / 1024
}

/** Of its memory, its part of what it shares with other processes. Where the kernel does not say, all of it. */
export function proportionalMegabytes(pid: number): number {
  try {
    const [, kilobytes] = /^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))!
    return Number(kilobytes) / 1024
  } catch {
    return residentMegabytes(pid)
  }
}

export async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  return port
}

async function answers(url: string, child: ChildProcess): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    if (child.exitCode !== null) throw new Error(`the server ended with exit code ${child.exitCode}`)
    const reply = await fetch(url).catch(() => undefined)
    if (reply?.ok) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`${url} did not answer`)
}

import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** The npm package that carries AWS's own DynamoDB Local, and the folder in it. */
const carrier = 'amplify-dynamodb-simulator'
const version = '2.9.30'
const cache = fileURLToPath(new URL('../.cache/dynamodb-local/', import.meta.url))
const home = join(cache, version)
const readyMs = 60_000
const run = promisify(execFile)

export interface LocalDynamodb {
  endpoint: string
  /** Ends it, with everything in it. */
  stop(): Promise<void>
}

/** DynamoDB Local is a Java program. */
export async function hasJava(): Promise<boolean> {
  return run('java', ['-version']).then(
    () => true,
    () => false,
  )
}

/**
 * DynamoDB Local in a process of its own, in memory, on a free port or a given one. Downloads it the first time (about 55 MB,
 * as an npm package, into `.cache/`).
 */
export async function startDynamodb({ port }: { port?: number } = {}): Promise<LocalDynamodb> {
  const emulator = await fetchEmulator()
  // Also of a given one it is to be said that it is taken, before whoever has it answers.
  const chosen = await freePort(port)
  const child = spawn(
    'java',
    [
      '-Xmx512m',
      `-Djava.library.path=${join(emulator, 'DynamoDBLocal_lib')}`,
      ...[
        '-jar',
        join(emulator, 'DynamoDBLocal.jar'),
        '-inMemory',
        '-disableTelemetry',
        '-port',
        String(chosen),
      ],
    ],
    // It writes a file of its own settings to where it runs.
    { stdio: ['ignore', 'pipe', 'pipe'], cwd: emulator },
  )
  const endpoint = `http://127.0.0.1:${chosen}`
  // Should this process die without stopping it, it must not live on.
  const kill = () => void child.kill('SIGKILL')
  process.on('exit', kill)
  await untilItAnswers(child, endpoint)
  return {
    endpoint,
    async stop() {
      process.off('exit', kill)
      if (child.exitCode !== null || child.signalCode !== null) return
      const gone = new Promise((done) => child.once('exit', done))
      child.kill('SIGKILL')
      await gone
    },
  }
}

/** Two processes may do this at the same time: each unpacks into a folder of its own, and the first to rename it wins. */
async function fetchEmulator(): Promise<string> {
  const emulator = join(home, 'emulator')
  if (existsSync(join(emulator, 'DynamoDBLocal.jar'))) return emulator
  await mkdir(cache, { recursive: true })
  const unpacked = await mkdtemp(join(cache, 'unpacking-'))
  try {
    await run('npm', ['pack', `${carrier}@${version}`, '--silent', '--pack-destination', unpacked], {
      cwd: unpacked,
    })
    const [archive] = (await readdir(unpacked)).filter((name) => name.endsWith('.tgz'))
    await run('tar', ['-xzf', join(unpacked, archive!), '-C', unpacked, 'package/emulator'])
    await rename(join(unpacked, 'package'), home).catch((error) => {
      if (!existsSync(join(emulator, 'DynamoDBLocal.jar'))) throw error
    })
  } finally {
    await rm(unpacked, { recursive: true, force: true })
  }
  return emulator
}

async function untilItAnswers(child: ChildProcess, endpoint: string): Promise<void> {
  let output = ''
  for (const stream of [child.stdout!, child.stderr!])
    stream.setEncoding('utf8').on('data', (chunk: string) => (output = (output + chunk).slice(-4_000)))
  const giveUpAt = Date.now() + readyMs
  for (;;) {
    // Anything it says to a request without a signature will do.
    if (await fetch(endpoint).then(Boolean, () => false)) return
    if (child.exitCode !== null || child.signalCode !== null || Date.now() > giveUpAt)
      throw new Error(`DynamoDB Local did not start (exit code ${child.exitCode}):\n${output}`)
    await new Promise((done) => setTimeout(done, 100))
  }
}

function freePort(wanted = 0): Promise<number> {
  return new Promise((done, fail) => {
    const server = createServer()
    server.on('error', fail)
    server.listen(wanted, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => done(port))
    })
  })
}

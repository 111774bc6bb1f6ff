import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const fairway = fileURLToPath(new URL('../apps/server/bin/fairway.mjs', import.meta.url))

export interface DemoProject {
  id: string
  name: string
  trackingKey: string
  secretKey: string
}

export interface DemoServer {
  url: string
  signInLink: string
  createProject(name: string): Promise<DemoProject>
  stop(): Promise<void>
}

/** The real server on data of its own, which goes when the demo ends. */
export async function startServer(): Promise<DemoServer> {
  const dataDir = mkdtempSync(join(tmpdir(), 'fairway-demo-'))
  const port = await portFrom(3000)
  const env = {
    ...process.env,
    FAIRWAY_PORT: String(port),
    FAIRWAY_DATA_DIR: dataDir,
    FAIRWAY_LOG_LEVEL: 'warn',
    NODE_ENV: 'production',
  }
  // A group of its own: Ctrl-C in the terminal must reach the demo first, which then stops the server.
  const server = spawn(process.execPath, [fairway, 'start'], {
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const output = await readUntil(server, 'Ctrl-C')
  return {
    url: `http://localhost:${port}`,
    signInLink: /https?:\/\/\S+token=\S+/.exec(output)?.[0] ?? `http://localhost:${port}`,
    async createProject(name) {
      const child = spawn(process.execPath, [fairway, 'project', 'create', name, '--json'], {
        env,
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const chunks: Buffer[] = []
      child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
      const [code] = await once(child, 'close')
      if (code !== 0) throw new Error(`fairway project create ended with exit code ${code}`)
      const { project, trackingKey, secretKey } = JSON.parse(Buffer.concat(chunks).toString())
      return { id: project.id, name, trackingKey, secretKey }
    },
    async stop() {
      if (server.exitCode === null) {
        server.kill('SIGINT')
        await once(server, 'exit')
      }
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}

async function readUntil(server: ChildProcess, text: string): Promise<string> {
  let output = ''
  for await (const chunk of server.stdout!) {
    output += chunk
    if (output.includes(text)) break
  }
  if (!output.includes(text)) throw new Error('The server did not start')
  return output
}

/** The usual port when it is free, so that the address is the one of the README. */
async function portFrom(wanted: number): Promise<number> {
  for (const port of [wanted, 0]) {
    const probe = createServer()
    const free = await new Promise<number | undefined>((resolve) => {
      probe.once('error', () => resolve(undefined))
      probe.listen(port, '127.0.0.1', () => resolve((probe.address() as { port: number }).port))
    })
    await new Promise((resolve) => probe.close(resolve))
    if (free !== undefined) return free
  }
  throw new Error('No free port')
}

/**
 * `npm run dev`: everything at one address, from the sources. The console reloads as it is changed; the server starts again
 * when its files change. Takes the environment of `npm start`.
 */
import { spawn } from 'node:child_process'
import { watch } from 'node:fs'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { createServer as createViteServer } from 'vite'

const root = fileURLToPath(new URL('..', import.meta.url))
const port = Number(process.env.FAIRWAY_PORT ?? 3000)
const address = process.env.FAIRWAY_PUBLIC_URL ?? `http://localhost:${port}`
const behind = await freePort()
/** What the server answers; everything else is the console's. */
const served =
  '^/+(api|v1|beacon|sourceConfig|docs|u|v|fairway\\.js|openapi\\.json|metrics|heartbeat|healthz|readyz)(/|\\?|$)'
/** Editors write a file in several steps, and more than one file. */
const calmMs = 150

let server
let changed
let stopping = false

function startServer() {
  server = spawn(
    process.execPath,
    ['--conditions=source', '--import', 'tsx', `${root}apps/server/src/cli/main.ts`, 'start'],
    {
      cwd: process.cwd(),
      env: { ...process.env, FAIRWAY_PORT: String(behind), FAIRWAY_PUBLIC_URL: address },
      stdio: 'inherit',
    },
  )
  server.once('exit', (code) => {
    if (stopping) process.exit(code ?? 0)
    if (changed) return startServer()
    console.error('The server has ended; it starts again when a file of it changes.')
    server = undefined
  })
  changed = undefined
}

/** Asks it to stop; its end starts the next one. */
function restart() {
  if (stopping) return
  if (!server) return startServer()
  console.error('The server starts again …')
  server.kill('SIGTERM')
}

for (const folder of ['apps/server/src', 'packages/api/src', 'packages/queue/src'])
  watch(`${root}${folder}`, { recursive: true }, () => {
    clearTimeout(changed)
    changed = setTimeout(restart, calmMs)
  })

const vite = await createViteServer({
  configFile: `${root}apps/dashboard/vite.config.ts`,
  server: {
    host: process.env.FAIRWAY_HOST ?? '127.0.0.1',
    port,
    strictPort: true,
    proxy: { [served]: { target: `http://127.0.0.1:${behind}`, xfwd: true } },
  },
})
await vite.listen()

for (const signal of ['SIGINT', 'SIGTERM'])
  process.on(signal, async () => {
    if (stopping) return
    stopping = true
    await vite.close()
    if (server) server.kill('SIGTERM')
    else process.exit(0)
  })
startServer()

function freePort() {
  const probe = createServer()
  return new Promise((done, fail) => {
    probe.once('error', fail)
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address()
      probe.close(() => done(port))
    })
  })
}

/**
 * `npm run dev`: everything at one address, from the sources. The console reloads as it is changed; the server starts again
 * when its files change. Takes the environment of `npm start`.
 */
import { spawn } from 'node:child_process'
import { watch } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
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

// The console's own settings pass some paths on as well, and come first.
process.env.FAIRWAY_URL = `http://127.0.0.1:${behind}`
// A listener of our own: Vite's would end this process by itself, with a signal or the end of its input, and leave the server behind.
const listener = createHttpServer((request, response) => vite.middlewares(request, response))
const vite = await createViteServer({
  configFile: `${root}apps/dashboard/vite.config.ts`,
  server: {
    middlewareMode: { server: listener },
    hmr: { server: listener },
    proxy: { [served]: { target: `http://127.0.0.1:${behind}`, xfwd: true } },
  },
})
listener.once('error', (error) => {
  console.error(error.code === 'EADDRINUSE' ? `The port ${port} is taken by another program.` : error.message)
  process.exit(2)
})
listener.listen(port, process.env.FAIRWAY_HOST ?? '127.0.0.1', startServer)

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
  process.on(signal, async () => {
    if (stopping) return
    stopping = true
    listener.close()
    listener.closeAllConnections()
    await vite.close()
    if (server) server.kill('SIGTERM')
    else process.exit(0)
  })

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

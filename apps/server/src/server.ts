import { createServer } from 'node:net'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import type { App } from './app.ts'
import { assemble } from './assemble.ts'
import { closeChannels } from './channels/channels.ts'
import { closeInReverse } from './closing.ts'
import type { Config } from './config.ts'
import { openDatabase } from './db/open.ts'
import { listen } from './http/listen.ts'
import { buildHttpServer } from './http/server.ts'
import { startMaintenance } from './maintenance.ts'
import { rendererOf } from './templates/renderer.ts'
import { startTicker } from './ticker.ts'
import { startWorkers } from './workers.ts'

export interface RunningServer {
  app: App
  /** `http://127.0.0.1:3000`, with the real port. */
  url: string
  /** Takes nothing new, lets requests and jobs under way end, gives the rest back, stops our database. Idempotent. */
  close(): Promise<void>
  /** For an impatient operator: asks our database to stop and waits for nothing. */
  abandon(): void
}

/** Time that requests and jobs under way get to end at shutdown. */
const graceMs = 10_000

/** Everything that one process does, by its role. Throws what the operator must correct, having closed what was open. */
export async function startServer(
  config: Config,
  log: Logger,
  options: { now?: () => Date } = {},
): Promise<RunningServer> {
  const closing = closeInReverse(log)
  try {
    const database = await openDatabase(config, log)
    closing.add('database', database.close)
    const app = await assemble(await withRealPort(config), log, database.url, closing, options.now)

    const maintenance = startMaintenance(app)
    closing.add('housekeeping', maintenance.stop)
    closing.add('render threads', () => rendererOf(app).close())
    closing.add('mail connections', async () => closeChannels(app))
    if (config.role !== 'api') {
      const worker = startWorkers(app)
      closing.add('workers', () => worker.close({ graceMs }))
      const ticker = startTicker(app)
      closing.add('ticker', ticker.stop)
    }
    const http = await buildHttpServer(app)
    closing.add('http', () => closeHttp(http))
    const url = await listen(http, app.config)
    log.info({ url, role: config.role }, 'Fairway is up')
    return { app, url, close: closing.run, abandon: () => void database.close() }
  } catch (error) {
    await closing.run()
    throw error
  }
}

/** Port 0 means any: decided before anything is built, because links carry the port. */
async function withRealPort(config: Config): Promise<Config> {
  if (config.port !== 0) return config
  const probe = createServer()
  await new Promise<void>((done, fail) => probe.once('error', fail).listen(0, config.host, done))
  const { port } = probe.address() as { port: number }
  await new Promise((done) => probe.close(done))
  return { ...config, port }
}

/** A client that never finishes its request must not keep the server from stopping. */
async function closeHttp(http: FastifyInstance): Promise<void> {
  const timer = setTimeout(() => http.server.closeAllConnections(), graceMs)
  await http.close()
  clearTimeout(timer)
}

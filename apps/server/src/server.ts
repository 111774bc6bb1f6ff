import type { CallReport, Worker } from '@fairway/queue'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { assemble } from './assemble.ts'
import { buildHttpServer } from './http/server.ts'
import { startMaintenance } from './maintenance.ts'
import { closeGateways } from './messaging/channels/gateways.ts'
import { restoreWatchOf } from './messaging/sending/restore-watch.ts'
import { rendererOf } from './messaging/templates/renderer.ts'
import { RetryNotes } from './operations/queue/retrying-jobs.ts'
import type { App } from './platform/app.ts'
import { type Closing, closeInReverse } from './platform/closing.ts'
import type { Config } from './platform/config.ts'
import { openDatabase } from './platform/db/open.ts'
import { freePort } from './platform/http/free-port.ts'
import { listen } from './platform/http/listen.ts'
import { noteServedPort } from './platform/served-port.ts'
import { startTicker } from './ticker.ts'
import { startWorkers } from './workers.ts'

export interface RunningServer {
  app: App
  /** `http://127.0.0.1:3000`, with the real port; empty where it does not listen. */
  url: string
  /** Undefined in the role `api`. */
  worker: Worker | undefined
  /** Takes nothing new, lets requests and jobs under way end, gives the rest back, stops our database. Idempotent. */
  close(): Promise<void>
}

export interface ServerOptions {
  now?: () => Date
  /** Listens for requests. Default true: workers answer probes, too. */
  http?: boolean
  /** Told of each call of a handler. */
  observe?: (call: CallReport) => void
}

/**
 * Time that requests and jobs under way get to end at shutdown, together. A supervisor gives its processes 8 seconds
 * and Docker everything 10: the rest is for giving back what did not end.
 */
const graceMs = 6_000

/** Everything that one process does, by its role. Throws what the operator must correct, having closed what was open. */
export async function startServer(
  config: Config,
  log: Logger,
  { now, http = true, observe }: ServerOptions = {},
): Promise<RunningServer> {
  const closing = closeInReverse(log)
  try {
    const database = await openDatabase(config, log)
    closing.add('database', database.close)
    const app = await assemble(await withRealPort(config), log, database.url, closing, now)
    closing.add('render processes', async () => rendererOf(app).close())
    closing.add('mail connections', async () => closeGateways(app))
    const graceLeft = countDown(graceMs)
    const worker = config.role === 'api' ? undefined : await startWork(app, closing, graceLeft, observe)
    const url = http ? await startHttp(app, closing, graceLeft) : ''
    return { app, url, worker, close: closing.run }
  } catch (error) {
    await closing.run()
    throw error
  }
}

/** Jobs, what must be looked after without being asked, and housekeeping. */
async function startWork(
  app: App,
  closing: Closing,
  graceLeft: () => number,
  observe: ServerOptions['observe'],
): Promise<Worker> {
  // Before anything is sent.
  await restoreWatchOf(app).look()
  const maintenance = startMaintenance(app)
  closing.add('housekeeping', maintenance.stop)
  const notes = new RetryNotes(app)
  closing.add('reasons of retries', () => notes.close())
  const worker = startWorkers(app, observe)
  notes.hear(worker)
  closing.add('workers', () => worker.close({ graceMs: graceLeft() }))
  const ticker = startTicker(app)
  closing.add('ticker', ticker.stop)
  return worker
}

async function startHttp(app: App, closing: Closing, graceLeft: () => number): Promise<string> {
  const http = await buildHttpServer(app)
  closing.add('http', () => closeHttp(http, graceLeft()))
  const url = await listen(http, app.config)
  noteServedPort(app.config.dataDir, url)
  return url
}

/** Port 0 means any. */
const withRealPort = async (config: Config): Promise<Config> =>
  config.port === 0 ? { ...config, port: await freePort(config.host) } : config

/** A client that never finishes its request must not keep the server from stopping. */
async function closeHttp(http: FastifyInstance, graceMs: number): Promise<void> {
  const timer = setTimeout(() => http.server.closeAllConnections(), graceMs)
  await http.close()
  clearTimeout(timer)
}

/** What is left of a time that begins with the first look. */
function countDown(ms: number): () => number {
  let end: number | undefined
  return () => {
    end ??= performance.now() + ms
    return Math.max(0, end - performance.now())
  }
}

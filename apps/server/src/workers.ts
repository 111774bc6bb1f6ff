import type { Handlers, Worker } from '@fairway/queue'
import type { App } from './app.ts'

/** Every kind of job, in one list. */
const handlers = (_app: App): Handlers => ({})

/** Shares between the lanes of one process; transactional mail always has room of its own. */
const lanes = {
  transactional: { weight: 8, reserved: 0.25 },
  ingest: { weight: 4 },
  automation: { weight: 4 },
  webhooks: { weight: 1 },
  bulk: { weight: 1 },
}

export const startWorkers = (app: App): Worker =>
  app.queue.worker(handlers(app), { lanes, concurrency: app.config.workerConcurrency })

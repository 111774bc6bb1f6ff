import type { BatchHandler, CallReport, Handlers, LaneConfig, Worker } from '@fairway/queue'
import { evaluateSegments } from './audience/segments/evaluate.ts'
import { processItems } from './ingest/process.ts'
import { storeSegmentEvents } from './ingest/process-events.ts'
import { deliverMessages } from './messaging/delivery/deliver.ts'
import { wakeWaitingMail } from './messaging/delivery/wake.ts'
import { maxSendMs } from './messaging/messages/send-again.ts'
import { origins } from './origins.ts'
import type { App } from './platform/app.ts'
import { workTask } from './platform/tasks/work.ts'
import { taskKinds } from './task-kinds.ts'

/** Every kind of job, in one list. */
const handlers = (app: App): Handlers => ({
  item: { batch: processItems(app) },
  // Its mails end by themselves, each within `maxSendMs`: a call that is cut short leaves them in doubt.
  deliver: { batch: deliverMessages(app, origins) as BatchHandler, timeoutMs: 2 * maxSendMs },
  wake_mail: wakeWaitingMail(app),
  task: workTask(app, taskKinds),
  evaluate_segments: evaluateSegments(app, storeSegmentEvents),
})

/**
 * Shares between the lanes of one process; transactional mail always has room of its own. Where the machine is too small for
 * accepting and working, everything else yields: of ingestion and automation what a project has more of, of bulk work all.
 */
const lanes: Record<string, LaneConfig> = {
  transactional: { weight: 8, reserved: 0.25 },
  // Processing is bound by the database and this thread, not by waiting: more at once would only take longer each. One slot
  // is never taken by a project that holds the others, so that a flood does not delay the next project's first event.
  ingest: { weight: 4, slots: 4, spare: 1, yields: 'backlog' },
  automation: { weight: 4, yields: 'backlog' },
  webhooks: { weight: 1, yields: 'backlog' },
  bulk: { weight: 1, yields: 'all' },
}

export const startWorkers = (app: App, observe?: (call: CallReport) => void): Worker =>
  app.queue.worker(handlers(app), {
    lanes,
    concurrency: app.config.workerConcurrency,
    observe(call) {
      app.timesInQueue.record(call)
      app.jobCounts.record(call)
      observe?.(call)
    },
  })

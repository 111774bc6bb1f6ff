import { sweepDeletedProjects } from './accounts/delete-project.ts'
import { maintainEvents } from './audience/events/maintain.ts'
import { maintainSegments } from './audience/segments/maintain.ts'
import { maintainExports } from './exchange/exports/maintain.ts'
import { maintainImports } from './exchange/imports/maintain.ts'
import { maintainMessages } from './messaging/messages/maintain.ts'
import { maintainRetries } from './operations/queue/retrying-jobs.ts'
import type { App } from './platform/app.ts'
import { maintainFiles } from './platform/files/maintain.ts'

type Task = (app: App, options: { signal: AbortSignal }) => Promise<void>

/** Housekeeping of every part; each task is idempotent and may run in several processes at once. */
const tasks: Record<string, Task> = {
  maintainEvents,
  maintainExports,
  maintainFiles,
  maintainSegments,
  maintainImports,
  maintainRetries,
  maintainMessages,
  sweepDeletedProjects,
}

const intervalMs = 3_600_000

/** Runs all housekeeping in the background, now and again every hour. */
export function startMaintenance(app: App): { stop(): Promise<void> } {
  const stopping = new AbortController()
  let running = runAll(app, stopping.signal)
  const timer = setInterval(() => {
    running = running.then(() => runAll(app, stopping.signal))
  }, intervalMs)
  timer.unref()
  return {
    async stop() {
      clearInterval(timer)
      stopping.abort()
      await running
    },
  }
}

async function runAll(app: App, signal: AbortSignal): Promise<void> {
  for (const [task, run] of Object.entries(tasks)) {
    if (signal.aborted) return
    try {
      await run(app, { signal })
    } catch (error) {
      if (!signal.aborted)
        app.log.error({ err: error, task }, 'housekeeping failed; it runs again within the hour')
    }
  }
}

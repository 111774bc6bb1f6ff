import { sweepDeletedProjects } from './accounts/delete-project.ts'
import type { App } from './app.ts'

type Task = (app: App, options: { signal: AbortSignal }) => Promise<void>

/** Housekeeping of every part; each task is idempotent and may run in several processes at once. */
const tasks: Record<string, Task> = {
  sweepDeletedProjects,
}

/** What must have run before anything is written: partitions to write into. */
const beforeServing: Record<string, Task> = {}

const intervalMs = 3_600_000

/** Runs what must come first and resolves; the rest follows in the background, and everything again every hour. */
export async function startMaintenance(app: App): Promise<{ stop(): Promise<void> }> {
  const stopping = new AbortController()
  await runAll(app, beforeServing, stopping.signal)
  let running = runAll(app, tasks, stopping.signal)
  const timer = setInterval(() => {
    running = running.then(() => runAll(app, { ...beforeServing, ...tasks }, stopping.signal))
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

async function runAll(app: App, list: Record<string, Task>, signal: AbortSignal): Promise<void> {
  for (const [task, run] of Object.entries(list)) {
    if (signal.aborted) return
    try {
      await run(app, { signal })
    } catch (error) {
      if (!signal.aborted)
        app.log.error({ err: error, task }, 'housekeeping failed; it runs again within the hour')
    }
  }
}

import type { App } from './app.ts'

type Task = (app: App) => Promise<void>

/** Housekeeping of every part; each is idempotent and may run in several processes at once. */
const tasks: Record<string, Task> = {}

const intervalMs = 3_600_000

/** Runs all housekeeping now, and again every hour. The first run is awaited: it makes the partitions to write into. */
export async function startMaintenance(app: App): Promise<{ stop(): Promise<void> }> {
  await runAll(app)
  let running = Promise.resolve()
  const timer = setInterval(() => {
    running = running.then(() => runAll(app))
  }, intervalMs)
  timer.unref()
  return {
    async stop() {
      clearInterval(timer)
      await running
    },
  }
}

async function runAll(app: App): Promise<void> {
  for (const [task, run] of Object.entries(tasks)) {
    try {
      await run(app)
    } catch (error) {
      app.log.error({ err: error, task }, 'housekeeping failed; it runs again within the hour')
    }
  }
}

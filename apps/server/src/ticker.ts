import { wakeSegments } from './audience/segments/wake.ts'
import { wakeSources } from './exchange/sources/run.ts'
import { sweepWaitingMail, wakeMail } from './messaging/delivery/wake.ts'
import { restoreWatchOf } from './messaging/sending/restore-watch.ts'
import type { App } from './platform/app.ts'
import { wakeTasks } from './platform/tasks/wake.ts'

type Tick = { everyMs: number; run: (app: App) => Promise<void> }

/** What workers look after without being asked; each is idempotent and may run in several processes at once. */
const ticks: Record<string, Tick> = {
  wakeSegments: { everyMs: 500, run: wakeSegments },
  wakeMail: { everyMs: 500, run: wakeMail },
  sweepWaitingMail: { everyMs: 30_000, run: sweepWaitingMail },
  wakeSources: { everyMs: 5_000, run: wakeSources },
  lookForRestore: { everyMs: 5_000, run: (app) => restoreWatchOf(app).look() },
  wakeTasks: { everyMs: 15_000, run: wakeTasks },
}

/** Runs every tick again and again, each after its own pause. */
export function startTicker(app: App): { stop(): Promise<void> } {
  let stopping = false
  const timers = new Set<NodeJS.Timeout>()
  const running = new Set<Promise<void>>()
  const arm = (name: string, tick: Tick) => {
    if (stopping) return
    const timer = setTimeout(() => {
      timers.delete(timer)
      const turn = tick
        .run(app)
        .catch((error) => app.log.warn({ err: error, tick: name }, 'a tick failed; it runs again'))
        .finally(() => {
          running.delete(turn)
          arm(name, tick)
        })
      running.add(turn)
    }, tick.everyMs)
    timers.add(timer)
  }
  for (const [name, tick] of Object.entries(ticks)) arm(name, tick)
  return {
    async stop() {
      stopping = true
      for (const timer of timers) clearTimeout(timer)
      await Promise.all(running)
    },
  }
}

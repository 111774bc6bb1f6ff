import type { App } from '../app.ts'
import { isOpen, Superseded } from './kind.ts'
import { loadTask, type TaskRow } from './task.ts'

/** Between two looks whether somebody paused or cancelled it. */
const everyMs = 500

/**
 * For a step that takes longer than a second: a signal that is aborted when the server stops, and soon after somebody paused
 * or cancelled the task.
 */
export function watchTask(
  app: App,
  { project_id, id }: TaskRow,
  stopping: AbortSignal,
): { signal: AbortSignal; end: () => void } {
  const stopped = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const look = async () => {
    const task = await loadTask(app.pool, project_id, id).catch(() => null)
    // What the database doesn't tell now it tells the next time.
    if (task === undefined || (task && !isOpen(task))) stopped.abort(new Superseded())
    else if (timer) timer = setTimeout(look, everyMs)
  }
  timer = setTimeout(look, everyMs)
  return {
    signal: AbortSignal.any([stopping, stopped.signal]),
    end() {
      clearTimeout(timer)
      timer = undefined
    },
  }
}

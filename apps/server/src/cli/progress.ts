import { setTimeout as sleep } from 'node:timers/promises'
import type { Job, JobContext } from '@fairway/queue'
import type { App } from '../platform/app.ts'
import { loadTask, type Task, type TaskRow, toTask } from '../platform/tasks/task.ts'
import { workTask } from '../platform/tasks/work.ts'
import { taskKinds } from '../task-kinds.ts'

const lookEveryMs = 250
/** Without a terminal, a line this often. */
const lineEveryMs = 5_000
/** A task that did not move for so long is worked here: no server is running, or none has time for it. */
const patienceMs = 2_000
const barWidth = 30

/** What is counted, for people: `rows`, `bytes`. */
type Unit = string

/** Shows on stderr how far a task is until it ends, and works it when nobody else does. */
export async function followTask(app: App, projectId: number, id: number, unit: Unit): Promise<Task> {
  const stop = new AbortController()
  let [steps, movedAt, shownAt] = [-1, performance.now(), 0]
  let working: Promise<void> | undefined
  try {
    for (;;) {
      const row = (await loadTask(app.pool, projectId, id))!
      const task = toTask(row)
      if (row.steps !== steps) [steps, movedAt] = [row.steps, performance.now()]
      const ended = row.finished_at !== null
      if (process.stderr.isTTY)
        process.stderr.write(`\r\u001b[K${progressLine(task, unit)}${ended ? '\n' : ''}`)
      else if (ended || performance.now() - shownAt > lineEveryMs) {
        shownAt = performance.now()
        console.error(progressLine(task, unit))
      }
      if (ended) return task
      if (!working && row.state !== 'paused' && performance.now() - movedAt > patienceMs)
        working = workHere(app, row, stop.signal)
      await sleep(lookEveryMs)
    }
  } finally {
    stop.abort()
    await working
  }
}

/** As the queue's jobs would: slice by slice, trying again what fails. */
async function workHere(app: App, { project_id, id }: TaskRow, signal: AbortSignal): Promise<void> {
  const work = workTask(app, taskKinds)
  for (let attempt = 1; !signal.aborted; ) {
    const job = { tenant: String(project_id), data: { task: id }, attempt } as unknown as Job
    try {
      await work(job, { signal } as JobContext)
      attempt = 1
    } catch (error) {
      if (signal.aborted) return
      app.log.warn({ err: error, taskId: id }, 'a step failed; it is tried again')
      attempt++
    }
    await sleep(lookEveryMs, undefined, { signal }).catch(() => {})
  }
}

/** `Export people as CSV [#########---------------------]  30 %  300,000 of 1,000,000 rows, 50,000/s, 14 s to go` */
export function progressLine(task: Task, unit: Unit): string {
  const { title, state, done, total, perSecond, etaSeconds, failed } = task
  const count = (value: number) => value.toLocaleString('en')
  const share = state === 'done' ? 1 : total ? Math.min(1, done / total) : 0
  const filled = Math.round(share * barWidth)
  const bar = `[${'#'.repeat(filled)}${'-'.repeat(barWidth - filled)}]`
  const parts = [`${count(done)}${total === null || state === 'done' ? '' : ` of ${count(total)}`} ${unit}`]
  if (failed > 0) parts.push(`${count(failed)} refused`)
  if (perSecond !== null && perSecond > 0) parts.push(`${count(Math.round(perSecond))}/s`)
  if (etaSeconds !== null) parts.push(`${duration(etaSeconds)} to go`)
  if (state !== 'running') parts.push(state)
  return `${title} ${bar} ${String(Math.floor(share * 100)).padStart(3)} %  ${parts.join(', ')}`
}

function duration(seconds: number): string {
  if (seconds < 90) return `${seconds} s`
  if (seconds < 5_400) return `${Math.round(seconds / 60)} min`
  return `${(seconds / 3_600).toFixed(1)} h`
}

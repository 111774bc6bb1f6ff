import type { Handler, Job } from '@fairway/queue'
import type { PoolClient } from 'pg'
import type { App } from '../app.ts'
import { withTransaction } from '../db/transaction.ts'
import { lockTask, setState } from './change-state.ts'
import { isOpen, Superseded, TaskFailed, type TaskKind, type TaskKinds, type TaskSession } from './kind.ts'
import { loadTask, type TaskRow, taskColumns, taskJob } from './task.ts'

/**
 * A job works that long, then another one goes on, so that a project's tasks and other projects get their turn. The next
 * job comes a quarter of a second later: at 2 s a slice, a tenth of the time was that.
 */
const sliceMs = 5_000
/** The same while accepting is short of processor time: the lane rests after each slice. */
const standBackSliceMs = 500
/** Failures in a row, without a step in between, after which a task is given up. */
const maxAttempts = 8

/** Handler of the jobs `task`: works steps of one task until its slice is over or the task is. */
export const workTask =
  (app: App, kinds: TaskKinds): Handler =>
  async (job, { signal }) => {
    const projectId = Number(job.tenant)
    const task = await loadTask(app.pool, projectId, (job as Job<{ task: number }>).data.task)
    if (!task || !isOpen(task)) return
    const kind = kinds[task.kind]
    try {
      if (!kind) throw new TaskFailed(`This version of Fairway knows no tasks of the kind ${task.kind}`)
      await workSlice(app, task, kind as TaskKind, signal)
    } catch (error) {
      if (error instanceof Superseded) return
      const last = job.attempt >= maxAttempts
      if (!(error instanceof TaskFailed) && !last) throw error
      if (last) app.log.error({ err: error, projectId, taskId: task.id }, 'a task was given up')
      await failTask(app, task, kind as TaskKind | undefined, reasonOf(error))
    }
  }

const reasonOf = (error: unknown) =>
  error instanceof TaskFailed
    ? error.message
    : `It failed ${maxAttempts} times in a row, last with: ${(error as Error).message}`

const standsBack = ({ processes }: App) => processes.standBackShare > 0

async function workSlice(app: App, task: TaskRow, kind: TaskKind, signal: AbortSignal): Promise<void> {
  const session = await kind.open(app, task, signal)
  const sliceStart = Date.now()
  const sliceEnd = sliceStart + (kind.sliceMs ?? sliceMs)
  try {
    let steps = task.steps
    let began = Date.now()
    for (;;) {
      signal.throwIfAborted()
      const batch = await session.next()
      if (batch === undefined) return await finish(app, task, kind, steps)
      const last = Date.now() >= sliceEnd || (standsBack(app) && Date.now() >= sliceStart + standBackSliceMs)
      await withTransaction(app.pool, (client) =>
        step(app, client, task, session, batch, { steps, began, last }),
      )
      if (last) return
      steps++
      began = Date.now()
    }
  } finally {
    await session.close?.()
  }
}

/**
 * A step's commit does not wait for the disk: what a crash of PostgreSQL takes with it is done again from the cursor that
 * is on disk, because cursor and rows are one transaction. Nothing that follows outlives it, either: later commits, such as
 * that of a mail it led to or of the task's end, bring everything before them to the disk. Measured: 7 of an import
 * step's 76 ms.
 */
const commitSoon = 'set local synchronous_commit = off'

async function step(
  app: App,
  client: PoolClient,
  task: TaskRow,
  session: TaskSession,
  batch: unknown,
  { steps, began, last }: { steps: number; began: number; last: boolean },
): Promise<void> {
  await client.query(commitSoon)
  await holdTask(client, task, steps)
  const { cursor, done, failed = 0, total, detail = {} } = await session.write(client, batch)
  const seconds = Math.max(1, Date.now() - began) / 1_000
  await client.query({
    name: 'task_step',
    text: `update tasks set state = 'running', cursor = $3, done = done + $4, failed = failed + $5,
             total = coalesce($6, total), steps = steps + 1, stepped_at = $7, started_at = coalesce(started_at, $7),
             rate = coalesce(rate * 0.8 + $8 * 0.2, $8),
             detail = detail || coalesce((
               select jsonb_object_agg(key, coalesce((detail ->> key)::bigint, 0) + value::bigint)
               from jsonb_each_text($9)), '{}')
           where project_id = $1 and id = $2`,
    values: [
      task.project_id,
      task.id,
      JSON.stringify(cursor),
      done,
      failed,
      total ?? null,
      app.now(),
      done / seconds,
      JSON.stringify(detail),
    ],
  })
  if (last) await app.queue.addIn(client, [taskJob(task.project_id, task.id)])
}

/** Only one worker moves the task at a time, and only from where it read. */
async function holdTask(client: PoolClient, { project_id, id }: TaskRow, steps: number): Promise<TaskRow> {
  const { rows } = await client.query<TaskRow>(
    `select ${taskColumns} from tasks where project_id = $1 and id = $2 for update skip locked`,
    [project_id, id],
  )
  const held = rows[0]
  if (!held || !isOpen(held) || held.steps !== steps) throw new Superseded()
  return held
}

const finish = (app: App, task: TaskRow, kind: TaskKind, steps: number) =>
  withTransaction(app.pool, async (client) => {
    const held = await holdTask(client, task, steps)
    await setState(app, client, held, 'done')
    await kind.ended?.(app, client, held, 'done')
  })

const failTask = (app: App, task: TaskRow, kind: TaskKind | undefined, message: string) =>
  withTransaction(app.pool, async (client) => {
    const held = await lockTask(client, task.project_id, task.id)
    if (!held || !isOpen(held)) return
    await setState(app, client, held, 'failed', message)
    await kind?.ended?.(app, client, held, 'failed', message)
  })

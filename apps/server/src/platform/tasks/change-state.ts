import type { PoolClient } from 'pg'
import type { App } from '../app.ts'
import { withTransaction } from '../db/transaction.ts'
import { conflict, notFound } from '../errors.ts'
import type { TaskKinds } from './kind.ts'
import type { TaskState } from './task.ts'
import { type TaskRow, taskColumns, taskJob } from './task.ts'

export type TaskCommand = 'pause' | 'resume' | 'cancel'

/** From which states a command leads where. */
const transitions: Record<TaskCommand, { from: TaskState[]; to: TaskState }> = {
  pause: { from: ['waiting', 'running'], to: 'paused' },
  resume: { from: ['paused'], to: 'waiting' },
  cancel: { from: ['waiting', 'running', 'paused'], to: 'cancelled' },
}

/**
 * Pauses, resumes or cancels a task; waits for the step under way. Doing it again changes nothing.
 *
 * @throws {ApiError} 404, or 409 for a task that has ended
 */
export function commandTask(
  app: App,
  kinds: TaskKinds,
  projectId: number,
  id: number,
  command: TaskCommand,
): Promise<TaskRow> {
  const { from, to } = transitions[command]
  return withTransaction(app.pool, async (client) => {
    const task = await lockTask(client, projectId, id)
    if (!task) throw notFound('Task')
    if (task.state === to || (command === 'resume' && task.state === 'running')) return task
    if (!from.includes(task.state)) throw conflict(`The task is ${task.state}; it can't be changed any more`)
    const changed = await setState(app, client, task, to)
    if (to === 'cancelled') await kinds[task.kind]?.ended?.(app, client, task, 'cancelled')
    if (to === 'waiting') await app.queue.addIn(client, [taskJob(projectId, id)])
    return changed
  })
}

/** Waits for the step under way; held to the end of the transaction. */
export async function lockTask(
  client: PoolClient,
  projectId: number,
  id: number,
): Promise<TaskRow | undefined> {
  const { rows } = await client.query<TaskRow>(
    `select ${taskColumns} from tasks where project_id = $1 and id = $2 for update`,
    [projectId, id],
  )
  return rows[0]
}

/** Ends: 'done', 'failed', 'cancelled'. */
export async function setState(
  app: App,
  client: PoolClient,
  task: TaskRow,
  state: TaskState,
  message: string | null = null,
): Promise<TaskRow> {
  const ends = state === 'done' || state === 'failed' || state === 'cancelled'
  const { rows } = await client.query<TaskRow>(
    `update tasks set state = $3, message = $4, finished_at = $5, stepped_at = $6, rate = null, steps = steps + 1
     where project_id = $1 and id = $2 returning ${taskColumns}`,
    [task.project_id, task.id, state, message, ends ? app.now() : null, app.now()],
  )
  return rows[0]!
}

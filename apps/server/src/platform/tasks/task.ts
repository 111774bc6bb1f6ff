import type { JobInput, Json } from '@fairway/queue'
import type { Pool, PoolClient } from 'pg'
import type { App } from '../app.ts'
import { integerShape, type Page, readCursor, toPage, writeCursor } from '../db/cursor.ts'
import { notFound } from '../errors.ts'

export type TaskState = 'waiting' | 'running' | 'paused' | 'done' | 'failed' | 'cancelled'

/** A task as stored. */
export interface TaskRow {
  project_id: number
  id: number
  kind: string
  title: string
  state: TaskState
  /** What to do. */
  input: Record<string, Json>
  /** Where the next step begins; null before the first. */
  cursor: Json
  steps: number
  done: number
  total: number | null
  failed: number
  detail: Record<string, number>
  message: string | null
  rate: number | null
  created_at: Date
  started_at: Date | null
  finished_at: Date | null
}

/** A task as the REST API tells it. */
export interface Task {
  id: number
  kind: string
  title: string
  state: TaskState
  done: number
  /** Null while nobody knows. */
  total: number | null
  /** Of `done`, refused. */
  failed: number
  /** Null unless it runs. */
  perSecond: number | null
  etaSeconds: number | null
  /** Why it failed. */
  message: string | null
  createdAt: Date
  startedAt: Date | null
  finishedAt: Date | null
  detail: Record<string, number>
}

export const taskColumns = `project_id, id, kind, title, state, input, cursor, steps, done, total, failed, detail, message,
  rate, created_at, started_at, finished_at`

export function toTask(row: TaskRow): Task {
  const { id, kind, title, state, done, total, failed, message, detail } = row
  const rate = state === 'running' ? row.rate : null
  const left = total === null ? null : Math.max(0, total - done)
  return {
    id,
    kind,
    title,
    state,
    done,
    total,
    failed,
    perSecond: rate === null ? null : Math.round(rate * 10) / 10,
    etaSeconds: rate && left !== null ? Math.ceil(left / rate) : null,
    message,
    createdAt: row.created_at,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
    detail,
  }
}

export interface NewTask {
  kind: string
  title: string
  input: Record<string, Json>
  total?: number | null
}

/** Makes a task and its job, inside the caller's transaction. */
export async function startTask(
  app: App,
  client: PoolClient,
  projectId: number,
  { kind, title, input, total }: NewTask,
): Promise<TaskRow> {
  const { rows } = await client.query<TaskRow>(
    `insert into tasks (project_id, kind, title, input, total, created_at)
     values ($1, $2, $3, $4, $5, $6) returning ${taskColumns}`,
    [projectId, kind, title, JSON.stringify(input), total ?? null, app.now()],
  )
  await app.queue.addIn(client, [taskJob(projectId, rows[0]!.id)])
  return rows[0]!
}

export const taskJob = (projectId: number, id: number): JobInput<{ task: number }> => ({
  lane: 'bulk',
  tenant: String(projectId),
  name: 'task',
  data: { task: id },
})

export async function loadTask(
  client: Pool | PoolClient,
  projectId: number,
  id: number,
): Promise<TaskRow | undefined> {
  const { rows } = await client.query<TaskRow>(
    `select ${taskColumns} from tasks where project_id = $1 and id = $2`,
    [projectId, id],
  )
  return rows[0]
}

/** @throws {ApiError} 404 */
export async function requireTask(app: App, projectId: number, id: number): Promise<TaskRow> {
  const row = await loadTask(app.pool, projectId, id)
  if (!row) throw notFound('Task')
  return row
}

/** Newest first. */
export async function listTasks(
  app: App,
  projectId: number,
  { kind, limit, cursor }: { kind?: string; limit: number; cursor?: string },
): Promise<Page<Task>> {
  const before = cursor === undefined ? null : readCursor(cursor, integerShape)[0]!
  const { rows } = await app.pool.query<TaskRow>(
    `select ${taskColumns} from tasks
     where project_id = $1 and ($2::text is null or kind = $2) and ($3::bigint is null or id < $3)
     order by id desc limit $4`,
    [projectId, kind ?? null, before, limit + 1],
  )
  return toPage(rows, limit, (last) => writeCursor(String(last.id)), toTask)
}

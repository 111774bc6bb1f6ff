import type { Json } from '@fairway/queue'
import type { Pool, PoolClient } from 'pg'
import type { Condition } from '../../audience/conditions/language.ts'
import type { App } from '../../platform/app.ts'
import { integerShape, type Page, readCursor, toPage, writeCursor } from '../../platform/db/cursor.ts'
import { withTransaction } from '../../platform/db/transaction.ts'
import { conflict, notFound } from '../../platform/errors.ts'
import { createFile, deleteFile } from '../../platform/files/files.ts'
import { commandTask } from '../../platform/tasks/change-state.ts'
import type { TaskKinds } from '../../platform/tasks/kind.ts'
import {
  startTask,
  type Task,
  type TaskRow,
  type TaskState,
  taskColumns,
  toTask,
} from '../../platform/tasks/task.ts'
import type { CsvOptions } from './csv.ts'

export type ExportKind = 'people' | 'events' | 'messages' | 'segment'
export type ExportFormat = 'csv' | 'ndjson'

/** An export as the REST API tells it. */
export interface Export {
  id: number
  kind: ExportKind
  format: ExportFormat
  state: TaskState
  /** Written so far. */
  rows: number
  /** Of the plain file. */
  bytes: number
  task: Task
  createdAt: Date
  expiresAt: Date
}

/** What a task of kind `export` has to do. */
export interface ExportInput {
  file: number
  format: ExportFormat
  csv: CsvOptions
  of: Selection
}

/** Which rows; bounded by what there was when the export began, so that it ends however much arrives. */
export type Selection =
  | ({ kind: 'people' } & People)
  | ({ kind: 'segment'; segment: number } & People)
  | { kind: 'events'; event: string | null; from: string | null; to: string }
  | { kind: 'messages'; from: string | null; to: string }

interface People {
  until: number
  conditions: Condition | null
  at: string
}

const keptMs = 7 * 86_400_000
/** They lie in the database, so somebody who forgets them must not fill it. */
const maxKept = 50

export const expiryFrom = (time: Date) => new Date(time.getTime() + keptMs)

/** An export beside its task. */
interface Row extends TaskRow {
  export_id: number
  export_kind: ExportKind
  format: ExportFormat
  file_id: number
  exported_at: Date
  expires_at: Date
  /** Null when its task failed or was cancelled: the file is gone. */
  bytes: number | null
}

/** `$1` is the project, `$2` the time; `condition` speaks of `exports`. */
const select = (condition: string) => `select ${taskColumns}, e.*,
    (select bytes from files where project_id = $1 and id = e.file_id) as bytes
  from (select id as export_id, kind as export_kind, format, task_id, file_id, created_at as exported_at, expires_at
        from exports where project_id = $1 and expires_at > $2 and ${condition}) as e
  join tasks on project_id = $1 and id = e.task_id
  order by export_id desc`

export interface NewExport {
  title: string
  format: ExportFormat
  csv: CsvOptions
  of: Selection
}

/** @throws {ApiError} 409 when the project keeps too many */
export function startExport(app: App, projectId: number, { title, ...what }: NewExport): Promise<Export> {
  return withTransaction(app.pool, async (client) => {
    await refuseTooMany(app, client, projectId)
    const file = await createFile(client, projectId, `${fileName(what.of.kind, app.now())}.${what.format}`)
    const input: ExportInput = { file, ...what }
    const task = await startTask(app, client, projectId, {
      kind: 'export',
      title,
      input: input as unknown as Record<string, Json>,
    })
    const { rows } = await client.query<{ id: number }>(
      `insert into exports (project_id, kind, format, task_id, file_id, created_at, expires_at)
       values ($1, $2, $3, $4, $5, $6, $7) returning id`,
      [projectId, what.of.kind, what.format, task.id, file, app.now(), expiryFrom(app.now())],
    )
    return toExport(await loadExport(app, client, projectId, rows[0]!.id))
  })
}

async function refuseTooMany(app: App, client: PoolClient, projectId: number): Promise<void> {
  const { rows } = await client.query<{ count: number }>(
    'select count(*) from exports where project_id = $1 and expires_at > $2',
    [projectId, app.now()],
  )
  if (rows[0]!.count >= maxKept)
    throw conflict(`The project keeps ${maxKept} exports already; delete those that are no longer needed`)
}

const fileName = (kind: ExportKind, at: Date) => `${kind}-${at.toISOString().slice(0, 16).replace(':', '')}`

/** Newest first. */
export async function listExports(
  app: App,
  projectId: number,
  { limit, cursor }: { limit: number; cursor?: string },
): Promise<Page<Export>> {
  const before = cursor === undefined ? null : readCursor(cursor, integerShape)[0]!
  const { rows } = await app.pool.query<Row>(
    select('($3::bigint is null or id < $3) order by id desc limit $4'),
    [projectId, app.now(), before, limit + 1],
  )
  return toPage(rows, limit, (last) => writeCursor(String(last.export_id)), toExport)
}

/** @throws {ApiError} 404 */
export const getExport = async (app: App, projectId: number, id: number): Promise<Export> =>
  toExport(await loadExport(app, app.pool, projectId, id))

/** The file of an export that is done. @throws {ApiError} 404, 409 while it isn't */
export async function finishedFile(
  app: App,
  projectId: number,
  id: number,
): Promise<{ id: number; format: ExportFormat; name: string; bytes: number }> {
  const row = await loadExport(app, app.pool, projectId, id)
  if (row.state !== 'done')
    throw conflict(
      row.finished_at === null
        ? 'The export is not finished; its file can be downloaded when its state is done'
        : `The export has no file: it ${row.state === 'failed' ? 'failed' : 'was cancelled'}`,
    )
  const { rows } = await app.pool.query<{ name: string; bytes: number }>(
    'select name, bytes from files where project_id = $1 and id = $2',
    [projectId, row.file_id],
  )
  if (!rows[0]) throw notFound('Export')
  return { id: row.file_id, format: row.format, ...rows[0] }
}

/** Ends it, if it is under way, and removes its file. @throws {ApiError} 404 */
export async function deleteExport(app: App, kinds: TaskKinds, projectId: number, id: number): Promise<void> {
  const task = await loadExport(app, app.pool, projectId, id)
  if (task.finished_at === null)
    await commandTask(app, kinds, projectId, task.id, 'cancel').catch((error) => {
      // It ended by itself in between.
      if ((error as { status?: number }).status !== 409) throw error
    })
  await removeExport(app, projectId, id)
}

export async function removeExport(app: App, projectId: number, id: number): Promise<void> {
  await withTransaction(app.pool, async (client) => {
    const { rows } = await client.query<{ file_id: number }>(
      'delete from exports where project_id = $1 and id = $2 returning file_id',
      [projectId, id],
    )
    if (rows[0]) await deleteFile(client, projectId, rows[0].file_id)
  })
}

async function loadExport(app: App, client: Pool | PoolClient, projectId: number, id: number): Promise<Row> {
  const { rows } = await client.query<Row>(select('id = $3'), [projectId, app.now(), id])
  if (!rows[0]) throw notFound('Export')
  return rows[0]
}

const toExport = (row: Row): Export => ({
  id: row.export_id,
  kind: row.export_kind,
  format: row.format,
  state: row.state,
  rows: row.done,
  bytes: row.bytes ?? 0,
  task: toTask(row),
  createdAt: row.exported_at,
  expiresAt: row.expires_at,
})

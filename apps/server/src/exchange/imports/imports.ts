import type { Pool, PoolClient } from 'pg'
import type { App } from '../../platform/app.ts'
import { bytesOf, readPage } from '../../platform/db/bounded-page.ts'
import { integerShape, type Page, readCursor, writeCursor } from '../../platform/db/cursor.ts'
import { conflict, notFound } from '../../platform/errors.ts'
import { type Task, type TaskRow, taskColumns, toTask } from '../../platform/tasks/task.ts'
import type { Column, Mapping, Unread } from './columns.ts'
import type { Format, Given } from './format.ts'
import type { ImportKind, ImportSource } from './kinds.ts'
import type { Options } from './options.ts'

export interface Counts {
  rows: number
  created: number
  updated: number
  unchanged: number
  /** People who opted out of what a row says they want. They stay so, unless the option `resubscribe` is set. */
  optedOut: number
  rejected: number
  /** Lines of the file that are no rows: the header, and those that say nothing. */
  skipped: number
}

export type ImportState =
  | 'uploading'
  | 'fetching'
  | 'ready'
  | 'dry_run'
  | 'importing'
  | 'undoing'
  | 'undone'
  | 'failed'
  | 'done'
  | 'cancelled'

/** An import as stored. */
export interface ImportRow {
  project_id: number
  id: number
  kind: ImportKind
  name: string
  state: ImportState
  source: ImportSource | null
  url: Buffer | null
  raw_file_id: number | null
  file_id: number | null
  given: Given
  format: Format | null
  files: string[]
  columns: Column[]
  preview: string[][]
  unread: Unread[]
  mapping: Mapping | null
  options: Options
  counts: Partial<Counts>
  task_id: number | null
  message: string | null
  created_at: Date
  started_at: Date | null
  finished_at: Date | null
}

/** An import as the REST API tells it. */
export interface Import {
  id: number
  kind: ImportKind
  name: string
  state: ImportState
  from: ImportSource | null
  /** Where it is fetched from, without what signs the address. */
  url: string | null
  /** Bytes received; of a file that is fetched, so far. */
  size: number
  /** Where the next bytes of an upload belong. */
  offset: number
  format: Format | null
  /** Of an archive that holds several, of which one has to be chosen: `format.file`. */
  files: string[]
  /** What was said about the file, which goes before what is found out. */
  given: Given
  columns: Column[]
  preview: string[][]
  /** Of the first rows: those that can't be read will be rejected. */
  unread: Unread[]
  mapping: Mapping | null
  options: Options
  counts: Counts
  task: Task | null
  /** Why it failed. */
  message: string | null
  createdAt: Date
  startedAt: Date | null
  finishedAt: Date | null
}

const columns = `project_id, id, kind, name, state, source, url, raw_file_id, file_id, given, format, files, columns, preview, unread,
  mapping, options, counts, task_id, message, created_at, started_at, finished_at`

/** What its latest task counted, while it does; afterwards what was noted then. */
export function countsOf(counts: Partial<Counts>): Counts {
  const {
    rows = 0,
    created = 0,
    updated = 0,
    unchanged = 0,
    optedOut = 0,
    rejected = 0,
    skipped = 0,
  } = counts
  return { rows, created, updated, unchanged, optedOut, rejected, skipped }
}

export async function describeImport(app: App, row: ImportRow): Promise<Import> {
  return (await describeImports(app, [row]))[0]!
}

/** Rows of one project. */
async function describeImports(app: App, rows: ImportRow[]): Promise<Import[]> {
  const projectId = rows[0]?.project_id
  const { rows: tasks } = await app.pool.query<TaskRow>(
    `select ${taskColumns} from tasks where project_id = $1 and id = any($2::bigint[])`,
    [projectId, rows.map(({ task_id }) => task_id)],
  )
  const { rows: files } = await app.pool.query<{ id: number; bytes: number }>(
    'select id, bytes from files where project_id = $1 and id = any($2::bigint[])',
    [projectId, rows.map(({ raw_file_id }) => raw_file_id)],
  )
  const taskOf = new Map(tasks.map((task) => [task.id, task]))
  const bytesOf = new Map(files.map(({ id, bytes }) => [id, bytes]))
  return rows.map((row) => toImport(app, row, taskOf.get(row.task_id!), bytesOf.get(row.raw_file_id!) ?? 0))
}

function toImport(app: App, row: ImportRow, task: TaskRow | undefined, bytes: number): Import {
  const counting = row.state === 'importing' || row.state === 'dry_run'
  return {
    id: row.id,
    kind: row.kind,
    name: row.name,
    state: row.state,
    from: row.source,
    url: row.url === null ? null : withoutQuery(app.secrets.decrypt(row.url)),
    size: bytes,
    offset: bytes,
    format: row.format,
    files: row.files,
    given: row.given,
    columns: row.columns,
    preview: row.preview,
    unread: row.unread,
    mapping: row.mapping,
    options: row.options,
    counts: countsOf(counting && task ? { rows: task.done, ...task.detail } : row.counts),
    task: task ? toTask(task) : null,
    message: row.message,
    createdAt: row.created_at,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
  }
}

function withoutQuery(url: string): string {
  const { origin, pathname } = new URL(url)
  return origin + pathname
}

export async function loadImport(
  client: Pool | PoolClient,
  projectId: number,
  id: number,
): Promise<ImportRow | undefined> {
  const { rows } = await client.query<ImportRow>(
    `select ${columns} from imports where project_id = $1 and id = $2`,
    [projectId, id],
  )
  return rows[0]
}

/** @throws {ApiError} 404 */
export async function requireImport(app: App, projectId: number, id: number): Promise<ImportRow> {
  const row = await loadImport(app.pool, projectId, id)
  if (!row) throw notFound('Import')
  return row
}

/**
 * For a change of its state, until the end of the transaction.
 *
 * @throws {ApiError} 404, or 409 when it is in none of the states
 */
export async function lockImport(
  client: PoolClient,
  projectId: number,
  id: number,
  states: ImportState[],
  what: string,
): Promise<ImportRow> {
  const { rows } = await client.query<ImportRow>(
    `select ${columns} from imports where project_id = $1 and id = $2 for update`,
    [projectId, id],
  )
  const row = rows[0]
  if (!row) throw notFound('Import')
  if (!states.includes(row.state))
    throw conflict(
      `The import is ${row.state.replace('_', ' ')}; only one that is ${either(states)} can be ${what}`,
    )
  return row
}

const either = (states: string[]) => states.map((state) => state.replace('_', ' ')).join(' or ')

/** Newest first. */
export async function listImports(
  app: App,
  projectId: number,
  { limit, cursor }: { limit: number; cursor?: string },
): Promise<Page<Import>> {
  const before = cursor === undefined ? null : readCursor(cursor, integerShape)[0]!
  // What a file looks like is told with the import itself: of a hundred it would be megabytes.
  const listed = columns.replace(
    ' files, columns, preview,',
    ` '[]'::jsonb as files, '[]'::jsonb as columns, '[]'::jsonb as preview,`,
  )
  const query = `select ${listed}, ${bytesOf('mapping', 'options', 'given', 'format')} as bytes from imports
    where project_id = $1 and ($2::bigint is null or id < $2) order by id desc limit $3`
  const page = await readPage<ImportRow, ImportRow>(
    app.pool,
    { query, values: [projectId, before, limit + 1], order: 'id desc', limit },
    (last) => writeCursor(String(last.id)),
    (row) => row,
  )
  return { ...page, items: await describeImports(app, page.items) }
}

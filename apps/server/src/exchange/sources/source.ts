import type { Pool, PoolClient } from 'pg'
import type { App } from '../../platform/app.ts'
import { bytesOf, readPage } from '../../platform/db/bounded-page.ts'
import type { Page } from '../../platform/db/cursor.ts'
import { withTransaction } from '../../platform/db/transaction.ts'
import { conflict, invalidField, notFound } from '../../platform/errors.ts'
import { nextUpdatedAt, requireUnchanged } from '../../platform/read-at.ts'
import type { Mapping } from '../imports/columns.ts'
import type { ImportKind } from '../imports/kinds.ts'
import type { Options } from '../imports/options.ts'
import { parseConnection, type SourceKind } from './connection.ts'
import { bareQuery } from './query.ts'
import type { CursorValue } from './reader.ts'
import type { SourceFailed } from './source-failed.ts'

export type RunState = 'fetching' | 'importing' | 'done' | 'failed'

/** What becomes of the rows. */
export interface SourceImport {
  kind: ImportKind
  mapping?: Mapping
  options?: Options
}

/** Where the next run begins. */
export interface SourceCursor extends CursorValue {
  /** Hashes of the rows of this very value that were read; null when they were too many to note. */
  seen: string[] | null
  /** The run ended at a limit, so the next one follows at once. */
  more?: boolean
}

/** A source as stored. */
export interface SourceRow {
  project_id: number
  id: number
  name: string
  kind: SourceKind
  url: Buffer
  query: string
  cursor_column: string | null
  every_minutes: number | null
  import: SourceImport
  cursor: SourceCursor | null
  next_run_at: Date | null
  run_state: RunState | null
  run_at: Date | null
  run_rows: number | null
  run_error: string | null
  run_task: number | null
  run_import: number | null
  run_cursor: SourceCursor | null
  created_at: Date
  updated_at: Date
}

/** A source as the REST API tells it: never with its URL. */
export interface Source {
  id: number
  name: string
  kind: SourceKind
  host: string
  query: string
  cursorColumn: string | null
  /** The last value that is imported. */
  cursor: string | null
  everyMinutes: number | null
  import: SourceImport
  nextRunAt: Date | null
  lastRun: {
    at: Date
    state: RunState
    rows: number | null
    error: string | null
    task: number | null
    import: number | null
  } | null
  createdAt: Date
  updatedAt: Date
}

export interface SourceInput {
  name: string
  kind: SourceKind
  url: string
  query: string
  cursorColumn: string | null
  everyMinutes: number | null
  import: SourceImport
}

const maxSources = 100
const minuteMs = 60_000

export const sourceColumns = `project_id, id, name, kind, url, query, cursor_column, every_minutes, import, cursor,
  next_run_at, run_state, run_at, run_rows, run_error, run_task, run_import, run_cursor, created_at, updated_at`

/** @throws {ApiError} 422, or 409 when there are too many */
export async function createSource(app: App, projectId: number, input: SourceInput): Promise<Source> {
  checkQuery(input.query)
  parseConnection(input.kind, input.url)
  const { rows: counted } = await app.pool.query<{ count: number }>(
    'select count(*) from sources where project_id = $1',
    [projectId],
  )
  if (counted[0]!.count >= maxSources) throw conflict(`A project may have ${maxSources} sources`)
  const { rows } = await app.pool.query<SourceRow>(
    `insert into sources (project_id, name, kind, url, query, cursor_column, every_minutes, import, next_run_at,
       created_at, updated_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10) returning ${sourceColumns}`,
    [
      projectId,
      input.name,
      input.kind,
      app.secrets.encrypt(input.url),
      input.query,
      input.cursorColumn,
      input.everyMinutes,
      JSON.stringify(input.import),
      nextRunAt(app, input.everyMinutes),
      app.now(),
    ],
  )
  return toSource(app, rows[0]!)
}

/**
 * `cursor: null` begins again at the beginning, as does another cursor column.
 *
 * @param readAt see {@link requireUnchanged}
 * @throws {ApiError} 404, 422, or 409 while it runs
 */
export function updateSource(
  app: App,
  projectId: number,
  id: number,
  input: Partial<SourceInput> & { cursor?: null },
  readAt?: string,
): Promise<Source> {
  if (input.query !== undefined) checkQuery(input.query)
  return withTransaction(app.pool, async (client) => {
    const row = await lockSource(client, projectId, id)
    if (!row) throw notFound('Source')
    requireUnchanged('SQL source', readAt, row.updated_at)
    const { kind = row.kind, cursorColumn = row.cursor_column, everyMinutes = row.every_minutes } = input
    if (kind !== row.kind && input.url === undefined)
      throw invalidField('url', 'is needed again when the kind changes')
    if (input.url !== undefined) parseConnection(kind, input.url)
    const restarts = input.cursor === null || cursorColumn !== row.cursor_column
    if (restarts && isRunning(row))
      throw conflict('The source is running; change its cursor when it is through')
    const { rows } = await client.query<SourceRow>(
      `update sources set name = $3, kind = $4, url = $5, query = $6, cursor_column = $7, every_minutes = $8, import = $9,
         cursor = case when $10 then null else cursor end, next_run_at = $11, updated_at = $12
       where project_id = $1 and id = $2 returning ${sourceColumns}`,
      [
        projectId,
        id,
        input.name ?? row.name,
        kind,
        input.url === undefined ? row.url : app.secrets.encrypt(input.url),
        input.query ?? row.query,
        cursorColumn,
        everyMinutes,
        JSON.stringify(input.import ?? row.import),
        restarts,
        everyMinutes === row.every_minutes ? row.next_run_at : nextRunAt(app, everyMinutes),
        nextUpdatedAt(app.now(), row.updated_at),
      ],
    )
    return toSource(app, rows[0]!)
  })
}

/** What it imported stays; a run under way ends. @throws {ApiError} 404 */
export async function deleteSource(app: App, projectId: number, id: number): Promise<void> {
  const { rowCount } = await app.pool.query('delete from sources where project_id = $1 and id = $2', [
    projectId,
    id,
  ])
  if (rowCount === 0) throw notFound('Source')
}

export function listSources(
  app: App,
  projectId: number,
  { limit, cursor = 0 }: { limit: number; cursor?: number },
): Promise<Page<Source>> {
  const query = `select ${sourceColumns}, ${bytesOf('query', 'import')} as bytes from sources
    where project_id = $1 and id > $2 order by id limit $3`
  return readPage<SourceRow, Source>(
    app.pool,
    { query, values: [projectId, cursor, limit + 1], order: 'id', limit },
    ({ id }) => String(id),
    (row) => toSource(app, row),
  )
}

/** @throws {ApiError} 404 */
export async function getSource(app: App, projectId: number, id: number): Promise<Source> {
  return toSource(app, await requireSource(app, projectId, id))
}

/** @throws {ApiError} 404 */
export async function requireSource(app: App, projectId: number, id: number): Promise<SourceRow> {
  const row = await loadSource(app.pool, projectId, id)
  if (!row) throw notFound('Source')
  return row
}

export async function loadSource(
  client: Pool | PoolClient,
  projectId: number,
  id: number,
  lock = '',
): Promise<SourceRow | undefined> {
  const { rows } = await client.query<SourceRow>(
    `select ${sourceColumns} from sources where project_id = $1 and id = $2 ${lock}`,
    [projectId, id],
  )
  return rows[0]
}

export const lockSource = (client: PoolClient, projectId: number, id: number) =>
  loadSource(client, projectId, id, 'for update')

export const isRunning = ({ run_state }: SourceRow) => run_state === 'fetching' || run_state === 'importing'

export const nextRunAt = (app: App, everyMinutes: number | null): Date | null =>
  everyMinutes === null ? null : new Date(app.now().getTime() + everyMinutes * minuteMs)

export const connectionOf = (app: App, row: SourceRow) =>
  parseConnection(row.kind, app.secrets.decrypt(row.url))

function checkQuery(query: string): void {
  try {
    bareQuery(query)
  } catch (error) {
    throw invalidField('query', (error as SourceFailed).message)
  }
}

function toSource(app: App, row: SourceRow): Source {
  return {
    id: row.id,
    name: row.name,
    kind: row.kind,
    host: connectionOf(app, row).host,
    query: row.query,
    cursorColumn: row.cursor_column,
    cursor: row.cursor?.value ?? null,
    everyMinutes: row.every_minutes,
    import: row.import,
    nextRunAt: row.next_run_at,
    lastRun: row.run_state && {
      at: row.run_at!,
      state: row.run_state,
      rows: row.run_rows,
      error: row.run_error,
      task: row.run_task,
      import: row.run_import,
    },
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}

export type FetchInput = { source: number; file: number }

import type { App } from '../../platform/app.ts'
import { ApiError, invalidField } from '../../platform/errors.ts'
import { parseConnection, type SourceKind } from './connection.ts'
import { openReader } from './open-reader.ts'
import type { SourceColumn } from './reader.ts'
import { connectionOf, requireSource } from './source.ts'
import { SourceFailed } from './source-failed.ts'

export interface Trial {
  kind?: SourceKind
  url?: string
  query?: string
  cursorColumn?: string | null
  /** What is left out is taken from this source. */
  source?: number
}

export interface Tried {
  columns: SourceColumn[]
  /** The first ones. */
  rows: Record<string, unknown>[]
}

const rowsShown = 20
const limits = { connectMs: 10_000, statementMs: 30_000 }

/** Connects and reads the first rows. @throws {ApiError} 422 with what the database said, 404 */
export async function tryQuery(app: App, projectId: number, trial: Trial): Promise<Tried> {
  const stored = trial.source === undefined ? undefined : await requireSource(app, projectId, trial.source)
  const kind = trial.kind ?? stored?.kind
  const query = trial.query ?? stored?.query
  if (!kind) throw invalidField('kind', 'is needed: postgres or mysql')
  if (!query) throw invalidField('query', 'is needed: one SELECT')
  // A stored password goes to no other kind of server.
  const known = stored?.kind === kind ? stored : undefined
  if (trial.url === undefined && !known) throw invalidField('url', 'is needed')
  const connection = trial.url === undefined ? connectionOf(app, known!) : parseConnection(kind, trial.url)
  const cursorColumn = trial.cursorColumn === undefined ? (stored?.cursor_column ?? null) : trial.cursorColumn
  try {
    const reader = await openReader(
      connection,
      { query, cursorColumn, from: null },
      { ...limits, allowPrivate: app.config.allowPrivateNetworks },
    )
    try {
      const rows = await reader.read(rowsShown)
      return { columns: reader.columns, rows: rows.map(({ line }) => JSON.parse(line)) }
    } finally {
      await reader.close()
    }
  } catch (error) {
    if (!(error instanceof SourceFailed)) throw error
    throw new ApiError(422, 'source_failed', error.message, { field: error.field })
  }
}

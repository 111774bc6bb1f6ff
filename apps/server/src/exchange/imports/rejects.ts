import type { PoolClient } from 'pg'
import type { App } from '../../platform/app.ts'
import { bytesOf, readPage } from '../../platform/db/bounded-page.ts'
import { integerShape, type Page, readCursor, writeCursor } from '../../platform/db/cursor.ts'
import { show } from './columns.ts'
import type { Format } from './format.ts'
import { guardFormula } from './formula-guard.ts'
import type { ImportRow } from './imports.ts'
import { isFairwayExport } from './known-exports.ts'

import type { Row } from './row.ts'

export interface Reject {
  line: number
  column: string | null
  reason: string
  /** The cells as they came; of a row that could not be read, its line. */
  row: string[]
}

/** Of a cell; a rejected row is kept to be corrected, not as an archive. */
const maxCellLength = 10_000

export async function saveRejects(
  client: PoolClient,
  projectId: number,
  importId: number,
  rejects: { row: Row; refusal: Refusal }[],
): Promise<void> {
  if (rejects.length === 0) return
  const rows = rejects.map(({ row, refusal }) => ({
    position: row.end,
    line: row.line - newlinesIn(row),
    column: refusal.column,
    reason: refusal.reason.slice(0, 1_000),
    cells: row.cells.map((cell) => show(cell).slice(0, maxCellLength)),
  }))
  await client.query(
    `insert into import_rejects (project_id, import_id, position, line, column_name, reason, cells)
     select $1, $2, position, line, "column", reason, cells
     from json_to_recordset($3) as r (position bigint, line bigint, "column" text, reason text, cells text[])
     on conflict do nothing`,
    [projectId, importId, storable(rows)],
  )
}

/** A row is found by the line it begins in. */
function newlinesIn({ cells, broken, linesBefore = 0 }: Row): number {
  if (broken !== undefined) return linesBefore
  let count = 0
  for (const cell of cells) if (typeof cell === 'string') count += cell.match(/\r\n|\r|\n/g)?.length ?? 0
  return count
}

/** What PostgreSQL refuses in a text may be why the row is here. */
const storable = (value: unknown): string =>
  JSON.stringify(value).replace(/(?<!\\)((?:\\\\)*)\\u(?:0000|d[89a-f][0-9a-f]{2})/gi, '$1\\ufffd')

interface RejectRow {
  position: number
  line: number
  column: string | null
  reason: string
  cells: string[]
}

const columns = 'position, line, column_name as "column", reason, cells'

const toReject = ({ line, column, reason, cells }: RejectRow): Reject => ({
  line,
  column,
  reason,
  row: cells,
})

/** In the order of the file. */
export async function listRejects(
  app: App,
  { project_id, id }: ImportRow,
  { limit, cursor }: { limit: number; cursor?: string },
): Promise<Page<Reject>> {
  const after = cursor === undefined ? -1 : readCursor(cursor, integerShape)[0]!
  const query = `select ${columns}, ${bytesOf('cells')} as bytes from import_rejects
    where project_id = $1 and import_id = $2 and position > $3 order by position limit $4`
  return readPage<RejectRow, Reject>(
    app.pool,
    { query, values: [project_id, id, after, limit + 1], order: 'position', limit },
    (last) => writeCursor(String(last.position)),
    toReject,
  )
}

/** Columns that say what is wrong; an import of the corrected file leaves them out by itself. */
export const rejectColumns = ['reject_line', 'reject_column', 'reject_reason', 'reject_text']

/** Whether a file is one of ours, of rejected rows. */
const isRejectsFile = (columns: string[]): boolean => rejectColumns.every((name) => columns.includes(name))

/** Whether texts that a spreadsheet would run have an apostrophe before them, because we wrote the file. */
export const isGuarded = (type: Format['type'], columns: string[]): boolean =>
  isRejectsFile(columns) || (type === 'csv' && isFairwayExport(columns))

/** Fetched at a time: each may be a megabyte. */
const rowsPerPage = 25

/**
 * The rejected rows as a CSV with the columns of the file, to be corrected and imported. Formulas are guarded; an import of
 * the file takes the guards away.
 */
export async function* rejectsCsv(app: App, row: ImportRow): AsyncGenerator<string> {
  const names = row.columns.map(({ name }) => name)
  yield line([...names.filter(isOfFile), ...rejectColumns])
  for (let after = -1; ; ) {
    const { rows } = await app.pool.query<RejectRow>(
      `select ${columns} from import_rejects where project_id = $1 and import_id = $2 and position > $3
       order by position limit $4`,
      [row.project_id, row.id, after, rowsPerPage],
    )
    if (rows.length === 0) return
    yield rows.map((reject) => line(cellsOf(reject, names))).join('')
    after = rows.at(-1)!.position
  }
}

/** What was wrong the last time is replaced by what is wrong now. */
const isOfFile = (name: string) => !rejectColumns.includes(name)

/** A row that doesn't fit the columns is given as text, so that it isn't imported in a wrong shape. */
function cellsOf({ line: number, column, reason, cells }: RejectRow, names: string[]): string[] {
  const reasons = [String(number), column ?? '', reason]
  const fits = cells.length === names.length
  if (fits)
    return [
      ...cells.filter((_, index) => isOfFile(names[index]!)),
      ...reasons,
      cells[names.indexOf('reject_text')] ?? '',
    ]
  const text = cells.length === 1 ? cells[0]! : line(cells).trimEnd()
  return [...names.filter(isOfFile).map(() => ''), ...reasons, text]
}

const line = (cells: string[]) => `${cells.map(cellOf).join(',')}\r\n`

function cellOf(text: string): string {
  const guarded = guardFormula(text)
  return /[",\r\n]/.test(guarded) ? `"${guarded.replaceAll('"', '""')}"` : guarded
}

/** Why a row is not imported. */
export interface Refusal {
  /** Name of the column at fault. */
  column: string | null
  reason: string
}

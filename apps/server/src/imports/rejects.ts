import type { PoolClient } from 'pg'
import type { App } from '../app.ts'
import { integerShape, type Page, readCursor, toPage, writeCursor } from '../db/cursor.ts'
import { show } from './guess.ts'
import type { ImportRow } from './imports.ts'
import type { Refusal } from './plan.ts'
import type { Row } from './rows.ts'

export interface Reject {
  line: number
  column: string | null
  reason: string
  /** The cells as they came; of a row that could not be read, its line. */
  row: string[]
}

/** Of a cell; a rejected row is kept to be corrected, not as an archive. */
const longestCell = 10_000

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
    cells: row.cells.map((cell) => show(cell).slice(0, longestCell)),
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
function newlinesIn({ cells, broken }: Row): number {
  if (broken !== undefined) return 0
  let count = 0
  for (const cell of cells) if (typeof cell === 'string') count += cell.match(/[\r\n]/g)?.length ?? 0
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
  const { rows } = await app.pool.query<RejectRow>(
    `select ${columns} from import_rejects where project_id = $1 and import_id = $2 and position > $3
     order by position limit $4`,
    [project_id, id, after, limit + 1],
  )
  return toPage(rows, limit, (last) => writeCursor(String(last.position)), toReject)
}

/** Columns that say what is wrong; an import of the corrected file leaves them out by itself. */
export const rejectColumns = ['reject_line', 'reject_column', 'reject_reason', 'reject_text']

/** The rejected rows as a CSV with the columns of the file, to be corrected and imported. */
export async function* rejectsCsv(app: App, row: ImportRow): AsyncGenerator<string> {
  const names = row.columns.map(({ name }) => name)
  yield line([...names, ...rejectColumns])
  for (let after = -1; ; ) {
    const { rows } = await app.pool.query<RejectRow>(
      `select ${columns} from import_rejects where project_id = $1 and import_id = $2 and position > $3
       order by position limit 1000`,
      [row.project_id, row.id, after],
    )
    if (rows.length === 0) return
    yield rows.map((reject) => line(cellsOf(reject, names.length))).join('')
    after = rows.at(-1)!.position
  }
}

/** A row that doesn't fit the columns is given as text, so that it isn't imported in a wrong shape. */
function cellsOf({ line: number, column, reason, cells }: RejectRow, width: number): string[] {
  const fits = cells.length === width
  const reasons = [String(number), column ?? '', reason]
  return fits
    ? [...cells, ...reasons, '']
    : [
        ...new Array<string>(width).fill(''),
        ...reasons,
        cells.length === 1 ? cells[0]! : line(cells).trimEnd(),
      ]
}

const line = (cells: string[]) =>
  `${cells.map((cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(',')}\r\n`

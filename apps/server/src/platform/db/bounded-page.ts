import type { Page } from './cursor.ts'
import type { Statements } from './statements.ts'

/**
 * Text of one page of a list. A hundred templates of two megabytes each held the event loop for 600 ms and took 200 MB while
 * they became one reply.
 */
export const maxPageBytes = 1_000_000

/** SQL of how much text these columns are together. */
export const bytesOf = (...columns: string[]): string =>
  columns.map((column) => `coalesce(octet_length((${column})::text), 0)`).join(' + ')

interface Counted {
  bytes: number
  page_bytes: number
  page_row: number
  page_rows: number
}

/**
 * A page that is bounded in bytes as well as in rows; its first row comes however large it is, so that every list ends.
 * `query` reads up to `limit + 1` rows and tells the size of each as `bytes`; `order` names columns that it gives. What is cut
 * off never leaves PostgreSQL.
 */
export async function readPage<Row extends object, Item>(
  pool: Statements,
  { query, values, order, limit }: { query: string; values: unknown[]; order: string; limit: number },
  cursorOf: (last: Row) => string,
  toItem: (row: Row) => Item,
): Promise<Page<Item>> {
  const { rows } = await pool.query<Row & Counted>(
    `select * from (
       select page.*, count(*) over () as page_rows,
         row_number() over (order by ${order}) as page_row,
         sum(bytes) over (order by ${order} rows unbounded preceding) as page_bytes
       from (${query}) as page) as page
     where page_row = 1 or (page_row <= ${Number(limit)} and page_bytes <= ${maxPageBytes})
     order by page_row`,
    values,
  )
  const shown = rows.map(({ bytes: _, page_bytes: __, page_row: ___, page_rows: ____, ...row }) => row as Row)
  const isLast = (rows[0]?.page_rows ?? 0) <= shown.length
  return { items: shown.map(toItem), nextCursor: isLast ? null : cursorOf(shown.at(-1)!) }
}

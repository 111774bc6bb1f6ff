import type { QueryResult, QueryResultRow } from 'pg'

export interface Statements {
  // biome-ignore lint/suspicious/noExplicitAny: as pg has it
  query<Row extends QueryResultRow = any>(text: string, values?: unknown[]): Promise<QueryResult<Row>>
}

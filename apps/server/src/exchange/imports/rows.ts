import { CsvRows } from './csv-rows.ts'
import type { Format } from './format.ts'
import { NdjsonRows } from './ndjson-rows.ts'
import type { ReadBytes, RowPosition, RowReader } from './row.ts'

/**
 * Rows from a place on. The same rows come whatever the place that reading began at, so that an import that was stopped
 * anywhere goes on as if it had not been.
 *
 * @param columns names whose values are wanted, for NDJSON
 */
export const readRows = (
  bytes: ReadBytes,
  format: Format,
  columns: string[],
  from: RowPosition,
): RowReader =>
  format.type === 'csv' ? new CsvRows(bytes, format, from) : new NdjsonRows(bytes, format, columns, from)

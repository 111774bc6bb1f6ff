import type { ImportColumn, ImportKind, Json, SourceTest, Target, ValueType } from '@fairway/api'
import { isDateText } from '../../conditions/language.ts'
import { formatValue } from '../../lib/format.ts'
import { targetNamed } from '../imports/import-words.ts'

/** Columns of a stored source, which were tried when it was made. */
export const fromMapping = (mapping: Record<string, Target>): ImportColumn[] =>
  Object.entries(mapping).map(([name, guess]) => ({ name, samples: [], guess }))

export const asColumns = ({ columns, rows }: SourceTest): ImportColumn[] =>
  columns.map(({ name }) => ({
    name,
    samples: rows.slice(0, 5).flatMap((row) => (row[name] == null ? [] : [formatValue(row[name])])),
    guess: { to: 'ignore' },
  }))

export const cellsOf = ({ columns, rows }: SourceTest): string[][] =>
  rows.map((row) => columns.map(({ name }) => (row[name] == null ? '' : formatValue(row[name]))))

/** What was chosen stays; new columns begin as their names and first values say. */
export const mappingOf = (
  kind: ImportKind,
  { columns, rows }: SourceTest,
  mapping: Record<string, Target>,
): Record<string, Target> =>
  Object.fromEntries(columns.map(({ name }) => [name, mapping[name] ?? guess(kind, name, rows)]))

function guess(kind: ImportKind, column: string, rows: SourceTest['rows']): Target {
  const to = targetNamed(kind, column)
  if (!to.startsWith('property:')) return { to }
  const types = new Set(rows.flatMap((row) => (row[column] == null ? [] : [typeOf(row[column])])))
  return { to, type: types.size === 1 ? [...types][0] : 'text' }
}

function typeOf(value: Json): ValueType {
  if (typeof value === 'number' || typeof value === 'boolean') return typeof value as ValueType
  if (typeof value === 'object') return 'json'
  return isDateText(value) ? 'date' : 'text'
}

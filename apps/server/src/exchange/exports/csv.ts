import { guardFormula } from '../imports/formula-guard.ts'
import type { Column } from './row-source.ts'

/** Columns beyond would only make the file unreadable; PostgreSQL's own limit is 1,664. */
export const maxPropertyColumns = 1_000
/** Holds, as JSON, the properties that have no column of their own. */
const rest = 'moreProperties'

export interface CsvOptions {
  /** Begin with a byte order mark: Excel takes a file without one for the machine's own encoding. */
  bom: boolean
  /** An apostrophe before texts that a spreadsheet would run as a formula. */
  guardFormulas: boolean
}

const byteOrderMark = '\ufeff'

/** The first line. A property called like another column is told apart by `property:`. */
export function csvHeader(
  columns: Column[],
  { names, more }: { names: string[]; more: boolean },
  { bom, guardFormulas }: CsvOptions,
): string {
  const quote = (name: string) => `"${(guardFormulas ? guardFormula(name) : name).replaceAll('"', '""')}"`
  const fixed = columns.map(({ name }) => name)
  const taken = new Set([...fixed, rest])
  const properties = names.map((name) =>
    taken.has(name) || name.startsWith('property:') ? `property:${name}` : name,
  )
  const cells = [...fixed, ...properties, ...(more ? [rest] : [])].map(quote)
  return `${bom ? byteOrderMark : ''}${cells.join(',')}\r\n`
}

/** Sorted, and no more than there may be columns. */
export function joinNames(
  known: { names: string[]; more: boolean },
  found: string[],
): { names: string[]; more: boolean } {
  const all = [...new Set([...known.names, ...found])].sort()
  return {
    names: all.slice(0, maxPropertyColumns),
    more: known.more || all.length > maxPropertyColumns,
  }
}

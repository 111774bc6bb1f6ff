import type { SourceColumn } from './reader.ts'
import { SourceFailed } from './source-failed.ts'

/**
 * The query as the part of a statement that it becomes. Databases refuse more than one statement at a time; that it can
 * only read is the transaction's doing.
 *
 * @throws {SourceFailed}
 */
export function bareQuery(query: string): string {
  const bare = withoutEnd(query)
  if (!/^(\(|--|#|\/\*|(select|with|values|table)\b)/i.test(bare))
    throw new SourceFailed('query', 'The query must be one SELECT')
  return bare
}

/** A loop, because an expression for the end of a text looks for it from every blank. */
function withoutEnd(query: string): string {
  const text = query.trim()
  let end = text.length
  while (end > 0 && /[;\s]/.test(text[end - 1]!)) end--
  return text.slice(0, end)
}

/** @throws {SourceFailed} */
export function checkColumns(columns: SourceColumn[], cursorColumn: string | null): SourceColumn | undefined {
  const names = columns.map(({ name }) => name)
  const twice = names.find((name, place) => names.indexOf(name) !== place)
  if (twice !== undefined)
    throw new SourceFailed('query', `The query has two columns called ${twice}; give one another name (AS …)`)
  if (cursorColumn === null) return undefined
  const column = columns.find(({ name }) => name === cursorColumn)
  if (!column)
    throw new SourceFailed(
      'cursorColumn',
      `The query has no column ${cursorColumn}; it has ${names.join(', ')}`,
    )
  return column
}

export const unorderedCursor = (name: string, type: string) =>
  new SourceFailed(
    'cursorColumn',
    `The column ${name} is ${type}; it must be a number or a time, which only grows`,
  )

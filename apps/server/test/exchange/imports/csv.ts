/** Writes CSV as most programs do: quotes where they are needed. */
export function stringify(
  rows: string[][],
  {
    delimiter = ',',
    newline = '\n',
    closed = true,
  }: { delimiter?: string; newline?: string; closed?: boolean } = {},
): Buffer {
  const quoted = (cell: string) =>
    cell === '' || cell.includes(delimiter) || /["\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell
  const text = rows.map((row) => row.map(quoted).join(delimiter)).join(newline)
  return Buffer.from(closed && text ? text + newline : text)
}

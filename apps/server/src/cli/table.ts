/** What people wrote, for a terminal: their control characters would move its cursor, name its window, forge a line. */
export const printable = (text: string): string =>
  text.replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, asEscape)

const asEscape = (control: string) => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`

/** Columns aligned with spaces: the first to the left, numbers to the right. */
export function table(head: string[], rows: (string | number)[][]): string {
  const lines = [head, ...rows.map((row) => row.map((cell) => printable(cell.toLocaleString('en'))))]
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)))
  return lines
    .map((line) =>
      line
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

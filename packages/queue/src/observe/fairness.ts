/**
 * Jain's index of what several got: (Σx)² / (n·Σx²). 1 when all got the same, 1/n when one got everything. Null when there is
 * nothing to compare: fewer than two, or nobody got anything.
 */
export function jainIndex(values: readonly number[]): number | null {
  if (values.length < 2) return null
  // Relative to the largest, so that squares neither overflow nor vanish.
  const largest = Math.max(...values)
  if (!(largest > 0)) return null
  let sum = 0
  let squares = 0
  for (const value of values) {
    const relative = value / largest
    sum += relative
    squares += relative * relative
  }
  return (sum * sum) / (values.length * squares)
}

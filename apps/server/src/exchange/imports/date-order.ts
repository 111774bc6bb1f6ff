import type { Json } from '@fairway/queue'
import { asDate, type DateOrder, ordersOf } from './values.ts'

/**
 * Which part of dates like 31/12/2026 comes first in a column, by what is in it; `unclear` where each may, undefined for what are
 * no such dates, or some of either kind.
 */
export function dateOrder(values: Json[]): DateOrder | 'unclear' | undefined {
  const orders = values.map(ordersOf)
  const written = orders.filter(({ length }) => length > 0)
  const others = values.filter(
    (value, index) => orders[index]!.length === 0 && asDate(value, {}) === undefined,
  )
  if (written.length === 0 || others.length > 0) return undefined
  const possible = (['day_first', 'month_first'] as const).filter((order) =>
    written.every((some) => some.includes(order)),
  )
  return possible.length === 2 ? 'unclear' : possible[0]
}

const shortYear = /^\s*\d{1,2}[/.-]\d{1,2}[/.-]\d\d\s*$/

/** Of which century they are nobody knows, and often not which part is the year. */
export const haveShortYears = (values: Json[]): boolean =>
  values.length > 0 && values.every((value) => typeof value === 'string' && shortYear.test(value))

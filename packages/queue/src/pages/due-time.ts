/**
 * Due times are rounded up to a grid, so that jobs due close together share a page: 50 ms for delays below ten seconds,
 * one second for longer ones. A job never runs early.
 */
export function roundDueTime(dueAt: number, now: number): number {
  const grid = dueAt - now < 10_000 ? 50 : 1_000
  return Math.ceil(dueAt / grid) * grid
}

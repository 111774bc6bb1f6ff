import type { Head, Tables } from './tables.ts'

const day = 86_400_000
/** Jobs are rarely scheduled for later than this. */
const keepMarksMs = 40 * day
/** The progress of jobs that ended goes with their settlement: this is for what workers left behind that died. */
const keepProgressMs = 7 * day

/** Returns how many things were forgotten. */
export function collect(tables: Tables): number {
  const now = tables.now()
  let count = 0
  const drop = <Key, Value>(map: Map<Key, Value>, isOver: (value: Value) => boolean) => {
    for (const [key, value] of map)
      if (isOver(value)) {
        map.delete(key)
        count++
      }
  }
  drop(tables.heads, (head) => isSpent(tables, head))
  drop(tables.unique, ({ until }) => until <= now)
  for (const [key, marks] of tables.marks) {
    drop(marks, ({ at }) => at < now - keepMarksMs)
    if (marks.size === 0) tables.marks.delete(key)
  }
  drop(tables.progress, ({ at }) => at < now - keepProgressMs)
  return count
}

/** Would start afresh anyway: nothing waits or is leased in order, and the lane has caught up with what was charged. */
function isSpent(tables: Tables, head: Head): boolean {
  return (
    head.streams.size === 0 &&
    head.grants.size === 0 &&
    head.closedUntil === undefined &&
    head.pacedUntil === undefined &&
    head.vtime <= tables.lane(head.lane).vtime
  )
}

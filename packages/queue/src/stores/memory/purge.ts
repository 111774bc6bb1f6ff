import { sumOf, type Tables, waitingIn } from './tables.ts'

/**
 * Everything of a tenant but its controls and what is leased: that runs to its end, and a key of which a page is leased
 * stays exclusive. Returns the jobs removed.
 */
export function purge(tables: Tables, tenant: string): number {
  let jobs = 0
  for (const head of tables.heads.values()) {
    if (head.tenant !== tenant) continue
    jobs += sumOf(waitingIn(head), (page) => page.jobs)
    for (const [name, stream] of head.streams) {
      stream.pages = []
      if (!stream.leased) head.streams.delete(name)
    }
  }
  const drop = <Key, Value extends { tenant: string }>(
    map: Map<Key, Value>,
    jobsIn: (value: Value) => number,
  ) => {
    for (const [key, value] of map)
      if (value.tenant === tenant) {
        map.delete(key)
        jobs += jobsIn(value)
      }
  }
  drop(tables.scheduled, (page) => page.jobs)
  drop(tables.deadLetters, () => 1)
  for (const map of [tables.unique, tables.progress, tables.blobs, ...tables.marks.values()])
    drop(map as Map<string, { tenant: string }>, () => 0)
  for (const [key, marks] of tables.marks) if (marks.size === 0) tables.marks.delete(key)
  return jobs
}

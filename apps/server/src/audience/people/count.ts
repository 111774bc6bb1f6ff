import type { ExpensiveReads, Seat } from '../../platform/capacity/expensive-reads.ts'
import { memoizePerObject } from '../../platform/memoize-per-object.ts'

/** Counting them takes 7 ms and more, and a thousand more or fewer don't show. */
const largeProject = 100_000
const totalMs = 10_000

const totalsOf = memoizePerObject((_: ExpensiveReads) => new Map<number, { count: number; at: number }>())

/** Of a large project as of the last seconds: somebody who builds a segment asks with every change of it. */
export async function countPeople({ expensiveReads, now, pool }: Seat, projectId: number): Promise<number> {
  const known = totalsOf(expensiveReads)
  for (const [project, { at }] of known) if (now().getTime() - at > totalMs) known.delete(project)
  const last = known.get(projectId)
  if (last) return last.count
  const { rows } = await pool.query<{ count: number }>('select count(*) from people where project_id = $1', [
    projectId,
  ])
  const { count } = rows[0]!
  if (count >= largeProject) known.set(projectId, { count, at: now().getTime() })
  return count
}

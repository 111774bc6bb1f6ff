import type { Pool } from 'pg'
import { memoizePerObject } from '../platform/memoize-per-object.ts'

/** Projects remembered; what is over is asked for again. */
const mostKnown = 100_000

const knownOf = memoizePerObject((_pool: Pool) => new Map<number, string>())

/**
 * Whose a project is, for limits of a process that organizations share before their projects do: one organization may have
 * many projects. It never changes. A project without an organization stands for itself.
 */
export async function organizationOf(pool: Pool, projectId: number): Promise<string> {
  const known = knownOf(pool)
  const organization = known.get(projectId)
  if (organization !== undefined) return organization
  const { rows } = await pool.query<{ organization: string | null }>(
    'select organization_id as organization from projects where id = $1',
    [projectId],
  )
  const found = rows[0]?.organization ?? `project ${projectId}`
  if (known.size >= mostKnown) known.clear()
  known.set(projectId, found)
  return found
}

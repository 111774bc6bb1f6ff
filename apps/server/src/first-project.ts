import { createProject } from './accounts/projects.ts'
import type { App } from './platform/app.ts'

/** All processes that start on one database at the same time wait for each other here. */
const lockKey = 4_607_182_419

/** A new installation starts with a project; undefined when there is one already. */
export async function createFirstProject(
  app: App,
): Promise<{ name: string; trackingKey: string } | undefined> {
  const lock = await app.pool.connect()
  try {
    await lock.query('select pg_advisory_lock($1)', [lockKey])
    const { rowCount } = await lock.query('select from projects limit 1')
    if (rowCount) return undefined
    const name = 'My project'
    const { trackingKey } = await createProject(app, { name })
    return { name, trackingKey }
  } finally {
    await lock.query('select pg_advisory_unlock($1)', [lockKey]).catch(() => {})
    lock.release()
  }
}

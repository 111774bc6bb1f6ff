import type { App } from '../../platform/app.ts'

/** Times that a mail may be begun without being finished after its job came back, which is not counted itself. */
export const maxRenders = 2

/** Counts before the work begins, so that what ends the process is known when the job comes back. Committed on return. */
export async function beginRender(app: App, projectId: number, id: string): Promise<number> {
  const { rows } = await app.pool.query<{ renders: number }>(
    `update messages set renders = renders + 1 where project_id = $1 and id = $2 and state = 'pending' returning renders`,
    [projectId, id],
  )
  return rows[0]?.renders ?? 0
}

export async function endRender(app: App, projectId: number, id: string): Promise<void> {
  await app.pool.query('update messages set renders = 0 where project_id = $1 and id = $2', [projectId, id])
}

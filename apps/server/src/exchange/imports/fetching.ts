import type { PoolClient } from 'pg'
import type { App } from '../../platform/app.ts'
import { createFile } from '../../platform/files/files.ts'
import { startTask } from '../../platform/tasks/task.ts'

/** Time to start an import, or to start a failed one again. */
export const fileDays = 7

export const createImportFile = (app: App, client: PoolClient, projectId: number, name: string) =>
  createFile(client, projectId, name, new Date(app.now().getTime() + fileDays * 86_400_000))

/** Brings the file here, where it has a URL, and makes plain UTF-8 of it. */
export async function startFetching(
  app: App,
  client: PoolClient,
  projectId: number,
  { id, name }: { id: number; name: string },
): Promise<void> {
  const task = await startTask(app, client, projectId, {
    kind: 'import',
    title: `Read ${name}`,
    input: { import: id, phase: 'fetch' },
  })
  await client.query(
    `update imports set state = 'fetching', task_id = $3 where project_id = $1 and id = $2`,
    [projectId, id, task.id],
  )
}

import type { Json } from '@fairway/queue'
import type { PoolClient } from 'pg'
import type { App } from '../../platform/app.ts'
import { TaskFailed, type TaskKind, type TaskSession } from '../../platform/tasks/kind.ts'
import type { TaskRow } from '../../platform/tasks/task.ts'
import { FetchSession } from './fetch.ts'
import { loadImport } from './imports.ts'
import { RowsSession } from './rows-session.ts'

/** What a task of the kind `import` does. */
export interface ImportInput {
  import: number
  /** `fetch` brings the file here and unpacks it, `try` is a dry run, `write` the import. */
  phase: 'fetch' | 'try' | 'write'
  /** Epoch ms: the time that all its writes carry. */
  at?: number
}

const inputOf = (task: TaskRow) => task.input as unknown as ImportInput

export const importTask: TaskKind<never> = {
  async open(app, task, signal) {
    const input = inputOf(task)
    const row = await loadImport(app.pool, task.project_id, input.import)
    if (!row) throw new TaskFailed('The import was deleted')
    const session =
      input.phase === 'fetch'
        ? new FetchSession(app, task, row, signal)
        : new RowsSession(app, task, row, { at: input.at!, dryRun: input.phase === 'try', signal })
    return session as TaskSession<never>
  },
  async ended(app, client, task, state, message) {
    const { import: id, phase } = inputOf(task)
    if (phase === 'fetch' && state === 'done') return
    if (phase !== 'fetch') await noteCounts(client, task, id)
    // It was estimated.
    if (state === 'done')
      await client.query('update tasks set total = done where project_id = $1 and id = $2', [
        task.project_id,
        task.id,
      ])
    // A dry run leaves the import as it found it.
    const next = phase === 'try' ? 'ready' : state
    await client.query(
      `update imports set state = $3, message = $4, finished_at = $5 where project_id = $1 and id = $2`,
      [task.project_id, id, next, message ?? null, phase === 'try' ? null : app.now()],
    )
    // A failed one may be started again, until housekeeping deletes its file.
    if (phase === 'write' && state === 'done') await letFileGo(app, client, task.project_id, id)
  },
}

async function noteCounts(
  client: PoolClient,
  { project_id, detail, done }: TaskRow,
  id: number,
): Promise<void> {
  await client.query('update imports set counts = $3 where project_id = $1 and id = $2', [
    project_id,
    id,
    JSON.stringify({ ...detail, rows: done } satisfies Record<string, Json>),
  ])
}

/** Housekeeping deletes it: five gigabytes are too much for the transaction that ends the task. */
async function letFileGo(app: App, client: PoolClient, projectId: number, id: number): Promise<void> {
  await client.query(
    `update files f set expires_at = $3 from imports i
     where i.project_id = $1 and i.id = $2 and f.project_id = $1 and f.id in (i.file_id, i.raw_file_id)`,
    [projectId, id, app.now()],
  )
}

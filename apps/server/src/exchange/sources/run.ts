import type { PoolClient } from 'pg'
import type { App } from '../../platform/app.ts'
import { withTransaction } from '../../platform/db/transaction.ts'
import { ApiError, conflict, notFound } from '../../platform/errors.ts'
import { createFile } from '../../platform/files/files.ts'
import { startTask } from '../../platform/tasks/task.ts'
import { loadImport } from '../imports/imports.ts'
import { startImport } from '../imports/start.ts'
import type { FetchInput } from './source.ts'
import { isRunning, lockSource, nextRunAt, type SourceRow } from './source.ts'

/** A run of rows that nobody imports is not kept. */
const fileDays = 7
/** A slow database holds a worker's slot while it thinks: it must not hold all of them. */
const mostReading = { project: 2, installation: 6 }

/**
 * Now, whenever it is due; where too many are being read, as soon as one of them is through.
 *
 * @throws {ApiError} 404, 409 while it runs
 */
export const runSource = (app: App, projectId: number, id: number): Promise<void> =>
  withTransaction(app.pool, async (client) => {
    const row = await lockSource(client, projectId, id)
    if (!row) throw notFound('Source')
    if (isRunning(row)) throw conflict('The source is running already')
    const { rows } = await client.query<{ here: number; everywhere: number }>(
      `select count(*) filter (where project_id = $1) as here, count(*) as everywhere
       from sources where run_state = 'fetching'`,
      [projectId],
    )
    const { here, everywhere } = rows[0]!
    if (here < mostReading.project && everywhere < mostReading.installation) return beginRun(app, client, row)
    await client.query('update sources set next_run_at = $3 where project_id = $1 and id = $2', [
      projectId,
      id,
      app.now(),
    ])
  })

async function beginRun(app: App, client: PoolClient, row: SourceRow): Promise<void> {
  const file = await createFile(
    client,
    row.project_id,
    `${row.name.slice(0, 200)}.ndjson`,
    new Date(app.now().getTime() + fileDays * 86_400_000),
  )
  const task = await startTask(app, client, row.project_id, {
    kind: 'source_fetch',
    title: `Read ${row.name}`,
    input: { source: row.id, file } satisfies FetchInput,
  })
  await client.query(
    `update sources set run_state = 'fetching', run_at = $3, run_rows = null, run_error = null, run_task = $4,
       run_import = null, run_cursor = null, next_run_at = $5
     where project_id = $1 and id = $2`,
    [row.project_id, row.id, app.now(), task.id, nextRunAt(app, row.every_minutes)],
  )
}

/** Starts what is due and takes runs a step further; safe to run in any number of processes at once. */
export async function wakeSources(app: App): Promise<void> {
  const { rows } = await app.pool.query<{ project_id: number; id: number }>(
    `(select project_id, id from sources where run_state = 'importing' order by run_at limit 1000)
     union all
     (select project_id, id from (
        select project_id, id, next_run_at, row_number() over (partition by project_id order by next_run_at) as place
        from sources where next_run_at <= $1 and (run_state is null or run_state in ('done', 'failed'))) as due
      where place <= $2 - (select count(*) from sources s
                           where s.project_id = due.project_id and s.run_state = 'fetching')
      order by next_run_at
      limit greatest(0, $3 - (select count(*) from sources where run_state = 'fetching')))`,
    [app.now(), mostReading.project, mostReading.installation],
  )
  for (const { project_id, id } of rows)
    await withTransaction(app.pool, async (client) => {
      const row = await lockSource(client, project_id, id)
      if (!row) return
      if (row.run_state === 'importing') await followImport(app, client, row)
      else if (!isRunning(row) && row.next_run_at !== null && row.next_run_at <= app.now())
        await beginRun(app, client, row)
    })
}

/** The cursor moves when everything before it is imported, and not earlier. */
async function followImport(app: App, client: PoolClient, row: SourceRow): Promise<void> {
  const { project_id, run_import } = row
  const made = run_import === null ? undefined : await loadImport(client, project_id, run_import)
  switch (made?.state) {
    case undefined:
      return endRun(client, row, 'Its import was deleted before it was done')
    case 'ready': {
      const { mapping, options } = row.import
      return startImport(app, project_id, run_import!, { mapping, options }).then(
        () => {},
        (error) => {
          if (!(error instanceof ApiError) || error.status >= 500) throw error
          return endRun(client, row, error.field ? `${error.field}: ${error.message}` : error.message)
        },
      )
    }
    case 'done':
      return endRun(client, row, null)
    case 'failed':
      return endRun(client, row, `Its import failed: ${made.message}`)
    case 'cancelled':
    case 'undone':
      return endRun(client, row, `Its import was ${made.state}`)
  }
}

/** `error` null: it went well. A run that ended at a limit is followed by the next one at once. */
export async function endRun(client: PoolClient, row: SourceRow, error: string | null): Promise<void> {
  await client.query(
    `update sources set run_state = $3, run_error = $4,
       cursor = case when $4::text is null then coalesce(run_cursor - 'more', cursor) else cursor end,
       next_run_at = case when $4::text is null and run_cursor ? 'more' then run_at else next_run_at end,
       run_cursor = null
     where project_id = $1 and id = $2`,
    [row.project_id, row.id, error === null ? 'done' : 'failed', error],
  )
}

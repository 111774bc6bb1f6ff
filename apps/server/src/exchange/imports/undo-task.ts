import type { PoolClient } from 'pg'
import { ensurePartitions } from '../../audience/events/partitions.ts'
import { withPeopleIn } from '../../audience/people/session.ts'
import type { App } from '../../platform/app.ts'
import { withTransaction } from '../../platform/db/transaction.ts'
import { conflict } from '../../platform/errors.ts'
import type { Step, TaskKind, TaskSession } from '../../platform/tasks/kind.ts'
import { startTask, type TaskRow } from '../../platform/tasks/task.ts'
import { type ImportRow, lockImport, requireImport } from './imports.ts'
import { type NotedChanges, undoChanges } from './undo.ts'

interface UndoInput {
  import: number
  /** When the import began, epoch ms. */
  at: number
}

/**
 * Undoes an import that ended, as far as nobody changed since what it wrote.
 *
 * @throws {ApiError} 404, or 409 when there is nothing to undo
 */
export async function startUndo(app: App, projectId: number, id: number): Promise<ImportRow> {
  await withTransaction(app.pool, async (client) => {
    const row = await lockImport(client, projectId, id, ['done', 'failed', 'cancelled'], 'undone')
    const { rows } = await client.query<{ touched: number | null }>(
      `select sum(touched)::bigint as touched from import_changes where project_id = $1 and import_id = $2`,
      [projectId, id],
    )
    if (rows[0]!.touched === null || row.started_at === null)
      throw conflict('The import changed nothing, or ended more than 30 days ago: there is nothing to undo')
    const task = await startTask(app, client, projectId, {
      kind: 'undo_import',
      title: `Undo ${row.name}`,
      input: { import: id, at: row.started_at.getTime() } satisfies UndoInput,
      total: rows[0]!.touched,
    })
    await client.query(
      `update imports set state = 'undoing', task_id = $3, message = null where project_id = $1 and id = $2`,
      [projectId, id, task.id],
    )
  })
  return requireImport(app, projectId, id)
}

const inputOf = (task: TaskRow) => task.input as unknown as UndoInput

/** Takes back one step of the import after the other, the latest first. */
export const undoTask: TaskKind<NotedChanges> = {
  async open(app, task) {
    return new UndoSession(app, task)
  },
  async ended(app, client, task, state, message) {
    await client.query(
      `update imports set state = $3, message = $4, finished_at = $5 where project_id = $1 and id = $2`,
      [
        task.project_id,
        inputOf(task).import,
        state === 'done' ? 'undone' : state,
        message ?? null,
        app.now(),
      ],
    )
  },
}

class UndoSession implements TaskSession<NotedChanges> {
  readonly #app: App
  readonly #task: TaskRow
  #committed: (() => Promise<void>) | undefined

  constructor(app: App, task: TaskRow) {
    this.#app = app
    this.#task = task
  }

  async next(): Promise<NotedChanges | undefined> {
    await this.#committed?.()
    this.#committed = undefined
    // Leaving a segment is an event.
    await ensurePartitions(this.#app.pool, [this.#app.now().getTime()])
    const { rows } = await this.#app.pool.query<NotedChanges>(
      `select id, created, changed, event_ids, event_times, addresses, opted_out, segment_id, members, touched from import_changes
       where project_id = $1 and import_id = $2 order by id desc limit 1`,
      [this.#task.project_id, inputOf(this.#task).import],
    )
    return (
      rows[0] && { ...rows[0], created: rows[0].created.map(Number), members: rows[0].members.map(Number) }
    )
  }

  async write(client: PoolClient, noted: NotedChanges): Promise<Step> {
    const { project_id } = this.#task
    const { import: importId, at } = inputOf(this.#task)
    // Removing people needs a session alone.
    const { committed } = await withPeopleIn(this.#app, client, project_id, { exclusive: true }, (session) =>
      undoChanges(session, noted, at),
    )
    await client.query('delete from import_changes where project_id = $1 and import_id = $2 and id = $3', [
      project_id,
      importId,
      noted.id,
    ])
    this.#committed = committed
    return { cursor: noted.id, done: noted.touched }
  }
}

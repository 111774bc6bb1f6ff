import type { PoolClient } from 'pg'
import type { App } from '../../platform/app.ts'
import { withTransaction } from '../../platform/db/transaction.ts'
import { conflict, invalidField, notFound } from '../../platform/errors.ts'
import { deleteFile, findFile } from '../../platform/files/files.ts'
import { commandTask, type TaskCommand } from '../../platform/tasks/change-state.ts'
import type { TaskKinds } from '../../platform/tasks/kind.ts'
import { startTask } from '../../platform/tasks/task.ts'
import { guessOf, type Mapping } from './columns.ts'
import type { ImportInput } from './import-task.ts'
import { type ImportRow, lockImport, requireImport } from './imports.ts'
import type { Options } from './options.ts'
import { Plan } from './plan.ts'

export interface Start {
  /** Columns that it leaves out go where their guess says. */
  mapping?: Mapping
  options?: Options
  /** Only tell what would become of the rows. */
  dryRun?: boolean
}

/**
 * Starts an import, or one that failed or was cancelled again, from the beginning: what it wrote the first time is
 * written again and comes to the same.
 *
 * @throws {ApiError} 409, or 422 for a mapping or option that can't be followed
 */
export async function startImport(
  app: App,
  projectId: number,
  id: number,
  { mapping: given, options: more, dryRun = false }: Start,
): Promise<ImportRow> {
  await withTransaction(app.pool, async (client) => {
    const row = await lockImport(client, projectId, id, ['ready', 'failed', 'cancelled'], 'started')
    const file = row.file_id === null ? undefined : await findFile(client, projectId, row.file_id)
    if (!row.format || !file) throw conflict('The import has no file (any more); make another import')
    const options = { ...row.options, ...more }
    const mapping = given ?? row.mapping ?? guessedMapping(row, options)
    new Plan(
      row.kind,
      row.format,
      row.columns.map(({ name }) => name),
      mapping,
      options,
    )
    await checkSegment(client, row, options)
    await client.query('delete from import_rejects where project_id = $1 and import_id = $2', [projectId, id])
    const at = app.now()
    const task = await startTask(app, client, projectId, {
      kind: 'import',
      title: dryRun ? `Try ${row.name}` : `Import ${row.name}`,
      input: { import: id, phase: dryRun ? 'try' : 'write', at: at.getTime() } satisfies ImportInput,
    })
    await client.query(
      `update imports set state = $3, mapping = $4, options = $5, counts = '{}', task_id = $6, message = null,
         started_at = case when $7 then started_at else $8 end, finished_at = null
       where project_id = $1 and id = $2`,
      [
        projectId,
        id,
        dryRun ? 'dry_run' : 'importing',
        JSON.stringify(mapping),
        JSON.stringify(options),
        task.id,
        dryRun,
        at,
      ],
    )
  })
  return requireImport(app, projectId, id)
}

const guessedMapping = (row: ImportRow, options: Options): Mapping =>
  Object.fromEntries(row.columns.map((column) => [column.name, guessOf(column, options)]))

async function checkSegment(client: PoolClient, row: ImportRow, options: Options): Promise<void> {
  const { segment } = options
  if (segment === undefined) {
    if (row.kind === 'segment') throw invalidField('options.segment', 'must name the segment, by its id')
    return
  }
  const { rows } = await client.query<{ kind: string }>(
    'select kind from segments where project_id = $1 and id = $2',
    [row.project_id, segment],
  )
  if (!rows[0]) throw invalidField('options.segment', 'is no segment of this project')
  if (rows[0].kind !== 'manual')
    throw invalidField(
      'options.segment',
      'must be a manual segment: who is in others is decided by conditions',
    )
}

/** Pauses, resumes or cancels what the import is doing. */
export async function commandImport(
  app: App,
  kinds: TaskKinds,
  projectId: number,
  id: number,
  command: TaskCommand,
): Promise<ImportRow> {
  const row = await requireImport(app, projectId, id)
  if (command === 'cancel' && (row.state === 'uploading' || row.state === 'ready')) {
    await withTransaction(app.pool, async (client) => {
      await lockImport(client, projectId, id, ['uploading', 'ready'], 'cancelled')
      await client.query(
        `update imports set state = 'cancelled', finished_at = $3 where project_id = $1 and id = $2`,
        [projectId, id, app.now()],
      )
    })
    return requireImport(app, projectId, id)
  }
  if (row.task_id === null) throw conflict(`The import is ${row.state}: nothing of it is running`)
  await commandTask(app, kinds, projectId, row.task_id, command)
  return requireImport(app, projectId, id)
}

/** Removes an import, its file, its rejected rows, and the way to undo it. What it imported stays. */
export async function deleteImport(app: App, projectId: number, id: number): Promise<void> {
  await withTransaction(app.pool, async (client) => {
    const row = await lockImport(
      client,
      projectId,
      id,
      ['uploading', 'ready', 'done', 'failed', 'cancelled', 'undone'],
      'deleted',
    )
    for (const file of new Set([row.file_id, row.raw_file_id]))
      if (file !== null) await deleteFile(client, projectId, file)
    for (const table of ['import_rejects', 'import_changes'])
      await client.query(`delete from ${table} where project_id = $1 and import_id = $2`, [projectId, id])
    const { rowCount } = await client.query('delete from imports where project_id = $1 and id = $2', [
      projectId,
      id,
    ])
    if (rowCount === 0) throw notFound('Import')
  })
}

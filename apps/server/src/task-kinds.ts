import type { Right } from './accounts/rights.ts'
import type { App } from './app.ts'
import { type BulkInput, rightOf } from './audience/bulk-action.ts'
import { bulkAction } from './audience/bulk-task.ts'
import { exportTask } from './exports/export-task.ts'
import { importTask } from './imports/import-task.ts'
import { undoTask } from './imports/undo-task.ts'
import { segmentBuild } from './segments/build.ts'
import { fetchTask } from './sources/fetch-task.ts'
import type { TaskKinds } from './tasks/kind.ts'
import { requireTask, type TaskRow } from './tasks/task.ts'

/** Every kind of long work, in one list. */
const kinds = {
  segment_build: segmentBuild as TaskKinds[string],
  bulk_action: bulkAction as TaskKinds[string],
  export: exportTask as TaskKinds[string],
  import: importTask,
  undo_import: undoTask as TaskKinds[string],
  source_fetch: fetchTask as TaskKinds[string],
} satisfies TaskKinds

export const taskKinds: TaskKinds = kinds

const startedWith: Record<keyof typeof kinds, (task: TaskRow) => Right> = {
  segment_build: () => 'content.edit',
  bulk_action: ({ input }) => rightOf((input as unknown as BulkInput).action),
  export: () => 'people.export',
  import: () => 'imports.run',
  undo_import: () => 'imports.undo',
  source_fetch: () => 'sources.manage',
}

/** Who might have started a task may also pause, resume and cancel it, and nobody else. @throws {ApiError} 404 */
export async function rightToControl(app: App, projectId: number, taskId: number): Promise<Right> {
  const task = await requireTask(app, projectId, taskId)
  // A kind that there is no more is for administrators.
  return Object.hasOwn(startedWith, task.kind)
    ? startedWith[task.kind as keyof typeof startedWith](task)
    : 'queue.manage'
}

import { segmentBuild } from './audience/segments/build.ts'
import { type BulkInput, rightOf } from './exchange/bulk/bulk-action.ts'
import { bulkAction } from './exchange/bulk/bulk-task.ts'
import { exportTask } from './exchange/exports/export-task.ts'
import { importTask } from './exchange/imports/import-task.ts'
import { undoTask } from './exchange/imports/undo-task.ts'
import { fetchTask } from './exchange/sources/fetch-task.ts'
import { retryTask } from './messaging/messages/retry-failed.ts'
import type { App } from './platform/app.ts'
import type { Right } from './platform/rights.ts'
import type { TaskKinds } from './platform/tasks/kind.ts'
import { requireTask, type TaskRow } from './platform/tasks/task.ts'

/** Every kind of long work, in one list. */
const kinds = {
  segment_build: segmentBuild as TaskKinds[string],
  bulk_action: bulkAction as TaskKinds[string],
  export: exportTask as TaskKinds[string],
  import: importTask,
  undo_import: undoTask as TaskKinds[string],
  source_fetch: fetchTask as TaskKinds[string],
  retry_messages: retryTask as TaskKinds[string],
} satisfies TaskKinds

export const taskKinds: TaskKinds = kinds

const startedWith: Record<keyof typeof kinds, (task: TaskRow) => Right> = {
  segment_build: () => 'content.edit',
  bulk_action: ({ input }) => rightOf((input as unknown as BulkInput).action),
  export: () => 'people.export',
  import: () => 'imports.run',
  undo_import: () => 'imports.undo',
  source_fetch: () => 'sources.manage',
  retry_messages: () => 'messages.send',
}

/** Who might have started a task may also pause, resume and cancel it, and nobody else. @throws {ApiError} 404 */
export async function rightToControl(app: App, projectId: number, taskId: number): Promise<Right> {
  const task = await requireTask(app, projectId, taskId)
  // A kind that there is no more is for administrators.
  return Object.hasOwn(startedWith, task.kind)
    ? startedWith[task.kind as keyof typeof startedWith](task)
    : 'queue.manage'
}

import { bulkAction } from './audience/bulk-task.ts'
import { exportTask } from './exports/export-task.ts'
import { importTask } from './imports/import-task.ts'
import { undoTask } from './imports/undo-task.ts'
import { segmentBuild } from './segments/build.ts'
import { fetchTask } from './sources/fetch-task.ts'
import type { TaskKinds } from './tasks/kind.ts'

/** Every kind of long work, in one list. */
export const taskKinds: TaskKinds = {
  segment_build: segmentBuild as TaskKinds[string],
  bulk_action: bulkAction as TaskKinds[string],
  export: exportTask as TaskKinds[string],
  import: importTask,
  undo_import: undoTask as TaskKinds[string],
  source_fetch: fetchTask as TaskKinds[string],
}

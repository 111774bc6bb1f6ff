import { exportTask } from './exports/export-task.ts'
import { importTask } from './imports/import-task.ts'
import type { TaskKinds } from './tasks/kind.ts'

/** Every kind of long work, in one list. */
export const taskKinds: TaskKinds = {
  export: exportTask as TaskKinds[string],
  import: importTask,
}

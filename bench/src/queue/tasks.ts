import { claims, keepBusy } from './backlog-task.ts'
import { catchUp } from './catch-up-task.ts'
import { addConcurrently, addInBulk, fill } from './enqueue-task.ts'
import { flood } from './flood-task.ts'
import { drain, warmUp } from './process-task.ts'
import { share } from './share-task.ts'
import type { System } from './system.ts'

/** What a process under test can be asked to do. Input and output travel as JSON. */
export const tasks = {
  addConcurrently,
  addInBulk,
  catchUp,
  claims,
  drain,
  fill,
  flood,
  keepBusy,
  left: (system: System, _input?: undefined) => system.left(),
  share,
  warmUp,
}

export type Task = (system: System, input: unknown, url: string) => Promise<unknown>

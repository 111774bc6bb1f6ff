import type { Json } from '@fairway/queue'
import type { PoolClient } from 'pg'
import type { App } from '../app.ts'
import type { Right } from '../rights.ts'
import type { TaskRow } from './task.ts'

/**
 * A kind of long work. It is worked in steps; each step is one transaction that writes its rows and moves the cursor, so
 * that a crash at any moment neither loses nor repeats anything. A step should take a second at most: in between, the
 * task can be paused or cancelled, and others get their turn.
 */
export interface TaskKind<Batch = unknown> {
  /** A session that is dear to begin, such as a query of another database, is not ended for others' turns so soon. */
  sliceMs?: number
  /** Begins where the task's cursor is. The session serves many steps. */
  open(app: App, task: TaskRow, signal: AbortSignal): Promise<TaskSession<Batch>>
  /** In the transaction that ends the task, for what hangs on it. */
  ended?(
    app: App,
    client: PoolClient,
    task: TaskRow,
    state: 'done' | 'failed' | 'cancelled',
    message?: string,
  ): Promise<void>
}

export interface TaskSession<Batch = unknown> {
  /** Reads what the next step works on, outside of its transaction. Undefined: there is no more, the task is done. */
  next(): Promise<Batch | undefined>
  /** Writes it. Runs again for the same batch when its transaction could not be committed. */
  write(client: PoolClient, batch: Batch): Promise<Step>
  close?(): Promise<void>
}

/** What a step did. */
export interface Step {
  /** Where the next one begins. */
  cursor: Json
  /** Units worked, in the task's unit. */
  done: number
  /** Of them refused. */
  failed?: number
  /** Now that more is known. */
  total?: number
  /** Added to the counts of the task's detail. */
  detail?: Record<string, number>
}

/** Every kind, by name. */
export type TaskKinds = Record<string, TaskKind<never>>

/** The right that somebody needs to pause, resume or cancel a task: that of starting it. */
export type RightToControl = (app: App, projectId: number, taskId: number) => Promise<Right>

/** Thrown by a kind: the task can't succeed however often it is tried. The message is for the people who started it. */
export class TaskFailed extends Error {}

/** Another job works at the task, or somebody paused or cancelled it: this one ends without a word. */
export class Superseded extends Error {}

export const isOpen = ({ state }: Pick<TaskRow, 'state'>) => state === 'waiting' || state === 'running'

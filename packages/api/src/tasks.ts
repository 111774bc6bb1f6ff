import { type Static, Type } from 'typebox'
import { nullable, Time } from './basics.ts'

export const TaskState = Type.Enum(['waiting', 'running', 'paused', 'done', 'failed', 'cancelled'])
export type TaskState = Static<typeof TaskState>

export const TaskKind = Type.Enum([
  'import',
  'undo_import',
  'export',
  'bulk_action',
  'segment_build',
  'source_fetch',
  'retry_messages',
])
export type TaskKind = Static<typeof TaskKind>

/** Long work, done step by step; a restart of the server does not end it. */
export const Task = Type.Object({
  id: Type.Integer(),
  kind: TaskKind,
  title: Type.String(),
  state: TaskState,
  done: Type.Integer(),
  total: nullable(Type.Integer(), 'Null while nobody knows'),
  failed: Type.Integer({ description: 'Of `done`, refused' }),
  perSecond: nullable(Type.Number(), 'Null unless it runs'),
  etaSeconds: nullable(Type.Number()),
  message: nullable(Type.String(), 'Why it failed or was paused'),
  createdAt: Time,
  startedAt: nullable(Time),
  finishedAt: nullable(Time),
  detail: Type.Record(Type.String(), Type.Number()),
})
export type Task = Static<typeof Task>

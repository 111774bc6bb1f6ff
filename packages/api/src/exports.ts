import { type Static, Type } from 'typebox'
import { Time } from './basics.ts'
import { Task, TaskState } from './tasks.ts'

export const ExportKind = Type.Enum(['people', 'events', 'messages', 'segment'])
export type ExportKind = Static<typeof ExportKind>

export const ExportFormat = Type.Enum(['csv', 'ndjson'])
export type ExportFormat = Static<typeof ExportFormat>

export const Export = Type.Object({
  id: Type.Integer(),
  kind: ExportKind,
  format: ExportFormat,
  state: TaskState,
  rows: Type.Integer({ description: 'Written so far' }),
  bytes: Type.Integer({ description: 'Of the plain file' }),
  task: Task,
  createdAt: Time,
  expiresAt: Type.String({ format: 'date-time', description: 'Its file is deleted then' }),
})
export type Export = Static<typeof Export>

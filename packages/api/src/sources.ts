import { type Static, Type } from 'typebox'
import { Json, nullable, Time } from './basics.ts'
import { ImportKind, ImportOptions, Mapping } from './imports.ts'

export const SourceKind = Type.Enum(['postgres', 'mysql'])
export type SourceKind = Static<typeof SourceKind>

/** What becomes of the rows. */
export const SourceImport = Type.Object({
  kind: ImportKind,
  mapping: Type.Optional(Mapping),
  options: Type.Optional(ImportOptions),
})
export type SourceImport = Static<typeof SourceImport>

export const SourceRun = Type.Object({
  at: Time,
  state: Type.Enum(['fetching', 'importing', 'done', 'failed']),
  rows: nullable(Type.Integer()),
  error: nullable(Type.String()),
  task: nullable(Type.Integer()),
  import: nullable(Type.Integer(), "Its import's number"),
})
export type SourceRun = Static<typeof SourceRun>

/** A query of another database that is asked again and again; what it answers is imported. */
export const Source = Type.Object({
  id: Type.Integer(),
  name: Type.String(),
  kind: SourceKind,
  host: Type.String({ description: 'The address of the database without what signs in' }),
  query: Type.String(),
  cursorColumn: nullable(
    Type.String(),
    'The column that says how far was read; null reads everything every time',
  ),
  cursor: nullable(Type.String(), 'The last value that is imported'),
  everyMinutes: nullable(Type.Integer(), 'Null: only by hand'),
  import: SourceImport,
  nextRunAt: nullable(Time),
  lastRun: nullable(SourceRun),
  createdAt: Time,
  updatedAt: Time,
})
export type Source = Static<typeof Source>

/** What the database answered to a trial. */
export const SourceTest = Type.Object({
  columns: Type.Array(
    Type.Object({ name: Type.String(), type: Type.String({ description: 'In the words of the database' }) }),
  ),
  rows: Type.Array(Type.Record(Type.String(), Json), { description: 'The first ones' }),
})
export type SourceTest = Static<typeof SourceTest>
